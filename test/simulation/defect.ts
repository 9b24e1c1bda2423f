/**
 * What a store, a log or a driver can be made to do against the protocol, one check at a time: the simulation must notice
 * each. Those of the driver are applied by defects.test.ts, which replaces the function that checks.
 */
export type Defect =
  /** Store: whoever has the right position may write, though another took over. */
  | 'no_epoch_check'
  /** Store: a commit made elsewhere in the log is taken. */
  | 'no_position_check'
  /** Store: the position of another build is as good. */
  | 'no_build_check'
  /** Store: states of another build count as present. */
  | 'mixed_builds'
  /** Store: a change is taken onto another version than it was made from. */
  | 'no_version_check'
  /** Store: an append is taken onto other bytes of the same version. */
  | 'no_checksum_check'
  /** Store: now and then a read answers states of one commit ago, as a replica that lags: what version checks are for. */
  | 'stale_reads'
  /** Store: now and then the position is written, and the process dies before its states are. */
  | 'torn_commit'
  /** Log: a batch from elsewhere says it was fetched where the consumer is, so the driver's check of that is blind. */
  | 'lying_log'
  /** Log: a transfer appends for whoever once opened it. */
  | 'no_transfer_fence'
  /** Log: now and then a transfer moves its position, and dies before all of its records are there. */
  | 'torn_transfer'
  /** Driver: a lane of a repartitioned view folds records that are below its vector. */
  | 'no_vector'
  /** Driver: a checkpoint passes records whose letters are not durable yet. */
  | 'late_letters';

/**
 * Connections for administration, one a topic. kafkajs keeps the topics that one was asked for, and asks the cluster for all of them
 * together: where one of them does not exist, none does, for calls that are under way at once, and for good where it was first asked
 * for while no broker answered.
 */
import type { Admin, Kafka } from 'kafkajs';
import { within } from './kafka-time.ts';

export interface KafkaAdmins {
  /** Connected; the same one each time, until it is dropped. */
  of(topic: string): Promise<Admin>;
  /** What it knows is in doubt: the next caller gets another. Calls that are under way may end. */
  drop(topic: string, failed: Promise<Admin>): void;
  close(): Promise<void>;
}

/** `callMs`: how long a call may be under way. */
export function createKafkaAdmins(
  kafka: Kafka,
  { callMs, connectMs }: { callMs: number; connectMs: number },
): KafkaAdmins {
  const admins = new Map<string, Promise<Admin>>();
  const dropped = new Map<Promise<Admin>, NodeJS.Timeout>();

  async function connect(): Promise<Admin> {
    const admin = kafka.admin();
    await admin.connect();
    return admin;
  }

  async function leave(connecting: Promise<Admin>): Promise<void> {
    clearTimeout(dropped.get(connecting));
    dropped.delete(connecting);
    const admin = await connecting.catch(() => null);
    if (admin !== null) await within(admin.disconnect(), connectMs).catch(() => undefined);
  }

  return {
    of(topic) {
      const connecting = admins.get(topic) ?? connect();
      admins.set(topic, connecting);
      return connecting;
    },
    drop(topic, failed) {
      if (admins.get(topic) !== failed) return;
      admins.delete(topic);
      dropped.set(failed, setTimeout(() => void leave(failed), callMs).unref());
    },
    async close() {
      await Promise.all([...admins.values(), ...dropped.keys()].map(leave));
      admins.clear();
    },
  };
}

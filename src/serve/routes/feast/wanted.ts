/**
 * Which features a request of Feast's SDK wants, and under which names: those of a feature service, or a list of
 * `view:feature`. A key reads a feature by itself where a service that it may read serves it.
 */
import type { FastifyReply } from 'fastify';
import { nearestName } from '../../../core/suggest.ts';
import type { ServiceFeature, ViewDefinition } from '../../../definition/definition.ts';
import { findVersioned } from '../../../definition/find.ts';
import type { ListedFeature } from '../../../definition/listed-service.ts';
import type { ServicePlan } from '../../../vector/service.ts';
import type { Access } from '../../access/access.ts';
import { forbidden } from '../../access/install.ts';
import { namesNear, unknownItem } from '../../lookup.ts';
import { type ProblemItem, RequestError, item, shorten } from '../../problem.ts';
import type { FeastPlans } from './plans.ts';
import type { OnlineFeaturesBody } from './schema.ts';

export interface Wanted {
  readonly plan: ServicePlan;
  /** As the answer names them, aligned with the plan's features. */
  readonly names: readonly string[];
}

/** Throws `RequestError` with all that is wrong with what is wanted. */
export function wantedBy(body: OnlineFeaturesBody, plans: FeastPlans, reply: FastifyReply): Wanted {
  const { access } = reply.request;
  const { feature_service: service = null, features = [], full_feature_names: isFull = false } = body;
  if (service !== null && features.length > 0) {
    const message = 'say feature_service or features, not both';
    throw new RequestError(400, [item('invalid_value', '/features', message)]);
  }
  if (service !== null) return ofService(service, plans, access, isFull, reply);
  if (features.length === 0) {
    throw new RequestError(400, [item('missing_field', '/features', 'say feature_service, or features')]);
  }
  return ofFeatures(features, plans, access, isFull, reply);
}

function ofService(reference: string, plans: FeastPlans, access: Access, isFull: boolean, reply: FastifyReply): Wanted {
  const [name = ''] = reference.split('@', 1);
  const definition = findVersioned(access.services, reference);
  if (definition === null) {
    const names = namesNear(access.services, reference);
    throw new RequestError(404, [unknownItem('feature service', reference, names, '/feature_service')]);
  }
  if (!access.mayRead(name)) throw forbidden(reply, `read:${name}`);
  const plan = plans.ofService(definition);
  const ownerOf = (feature: ServiceFeature): string =>
    feature.kind === 'view' ? (definition.appearances[feature.appearance]?.view.name ?? '') : definition.name;
  const names = definition.features.map((feature) => (isFull ? `${ownerOf(feature)}__${feature.name}` : feature.name));
  return { plan, names };
}

interface Listed extends ListedFeature {
  readonly name: string;
}

function ofFeatures(
  references: readonly string[],
  plans: FeastPlans,
  access: Access,
  isFull: boolean,
  reply: FastifyReply,
): Wanted {
  const problems: ProblemItem[] = [];
  const names = new Set<string>();
  const listed = references.flatMap((reference, index): readonly Listed[] => {
    const found = findFeature(reference, access, isFull, `/features/${index}`);
    if ('code' in found) {
      problems.push(found);
      return [];
    }
    if (names.has(found.name)) problems.push(duplicate(found.name, isFull, `/features/${index}`));
    names.add(found.name);
    return [found];
  });
  if (problems.length > 0) {
    throw new RequestError(problems.every(({ code }) => code.startsWith('unknown_')) ? 404 : 400, problems);
  }
  const withheld = listed.find(({ view, feature }) => !access.mayReadFeature(view, feature));
  if (withheld !== undefined) throw forbidden(reply, `read:${serviceOf(withheld, access)}`);
  const planned = plans.ofFeatures(listed);
  if (!planned.ok) throw new RequestError(400, [item(planned.code, '/features', planned.message)]);
  return { plan: planned.plan, names: [...names] };
}

/** `view:feature`, `view@2:feature`, or as Feast writes versions: `view@v2:feature`, `view@latest:feature`. */
function findFeature(reference: string, access: Access, isFull: boolean, pointer: string): Listed | ProblemItem {
  const at = reference.indexOf(':');
  if (at === -1) {
    return item('invalid_value', pointer, `${JSON.stringify(shorten(reference))} is not of the form view:feature`);
  }
  const [said, name] = [reference.slice(0, at), reference.slice(at + 1)];
  const wanted = said.replace(/@latest$/, '').replace(/@v(?=\d+$)/, '@');
  const view = findVersioned(access.views, wanted);
  if (view === null) return unknownItem('feature view', wanted, namesNear(access.views, wanted), pointer);
  const feature = featuresOf(view).get(name);
  if (feature !== undefined) return { view, feature, name: isFull ? `${said}__${name}` : name };
  const message = `${view.id} has no feature ${JSON.stringify(shorten(name))}`;
  const near = name.length > 200 ? null : nearestName(name, featuresOf(view).keys());
  return item('unknown_feature', pointer, message, near === null ? null : `${said}:${near}`);
}

const INDEXES = new WeakMap<ViewDefinition, ReadonlyMap<string, number>>();

function featuresOf(view: ViewDefinition): ReadonlyMap<string, number> {
  const known = INDEXES.get(view) ?? new Map(view.features.map(({ name }, index) => [name, index]));
  INDEXES.set(view, known);
  return known;
}

function duplicate(name: string, isFull: boolean, pointer: string): ProblemItem {
  const mend = isFull ? 'ask for it once' : 'ask for full_feature_names';
  return item('duplicate_feature', pointer, `two features are named ${shorten(name)}; ${mend}`);
}

/** A service whose scope would do, among those that are seen; `*` where none serves the feature. */
function serviceOf({ view, feature }: ListedFeature, { services }: Access): string {
  for (const { name, appearances, features } of services.values()) {
    const serves = features.some(
      (served) =>
        served.kind === 'view' && served.feature === feature && appearances[served.appearance]?.view.id === view.id,
    );
    if (serves) return name;
  }
  return '*';
}

/** Services compiled for Feast's form, when first asked for: declared ones, and lists of features that requests make up. */
import { LRUCache } from 'lru-cache';
import { AGGREGATIONS } from '../../../aggregate/table.ts';
import type { ServiceDefinition } from '../../../definition/definition.ts';
import { type ListedFeature, type ListedService, listedService } from '../../../definition/listed-service.ts';
import { compileFeastWriter } from '../../../vector/feast-text.ts';
import { type ServicePlan, compileService } from '../../../vector/service.ts';

/** Lists that are kept compiled; the one longest unasked goes first. A model asks for the same one again and again. */
const LISTS_MAX = 64;

export type ListedPlan =
  | { readonly ok: true; readonly plan: ServicePlan }
  | Exclude<ListedService, { readonly ok: true }>;

export interface FeastPlans {
  ofService(service: ServiceDefinition): ServicePlan;
  ofFeatures(listed: readonly ListedFeature[]): ListedPlan;
}

export function createFeastPlans(): FeastPlans {
  const services = new Map<string, ServicePlan>();
  const lists = new LRUCache<string, ListedPlan>({ max: LISTS_MAX });
  const compile = (service: ServiceDefinition): ServicePlan =>
    compileService(service, AGGREGATIONS, compileFeastWriter);
  return {
    ofService(service) {
      const known = services.get(service.id) ?? compile(service);
      services.set(service.id, known);
      return known;
    },
    ofFeatures(listed) {
      const id = listed.map(({ view, feature }) => `${view.id}:${feature}`).join(' ');
      const known = lists.get(id);
      if (known !== undefined) return known;
      const found = listedService(listed);
      const made: ListedPlan = found.ok ? { ok: true, plan: compile(found.service) } : found;
      lists.set(id, made);
      return made;
    },
  };
}

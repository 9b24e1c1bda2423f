/** Headers that tell callers what is given up: made once for each service, so that an answer only looks them up. */
import type { Definitions, ServiceDefinition } from '../definition/definition.ts';
import type { Deprecation } from '../definition/deprecation.ts';

/** Names of features in the header; there may be more, which the catalog tells. */
const NAMES_MAX = 20;

/** By id of the service; those that are not deprecated, and read nothing that is, have none. */
export function deprecationHeaders({ services }: Definitions): ReadonlyMap<string, Readonly<Record<string, string>>> {
  return new Map(
    [...services.values()].flatMap((service) => {
      const headers = headersOf(service);
      return headers === null ? [] : [[service.id, headers] as const];
    }),
  );
}

function headersOf(service: ServiceDefinition): Readonly<Record<string, string>> | null {
  const features = service.features.filter(({ deprecated }) => deprecated !== null);
  const own = service.deprecated;
  if (own !== null) return { ...datesOf([own]), ...successorOf(own), 'skewless-deprecated': service.id };
  if (features.length === 0) return null;
  const names = features.slice(0, NAMES_MAX).map(({ name }) => name);
  return {
    ...datesOf(features.flatMap(({ deprecated }) => deprecated ?? [])),
    'skewless-deprecated': names.join(', '),
  };
}

/** The earliest of each: RFC 9745 wants seconds since the epoch, RFC 8594 a date as HTTP writes it. */
function datesOf(all: readonly Deprecation[]): Readonly<Record<string, string>> {
  const onMs = Math.min(...all.map((each) => each.onMs));
  const sunsets = all.flatMap(({ sunsetMs }) => sunsetMs ?? []);
  return {
    deprecation: `@${Math.floor(onMs / 1e3)}`,
    ...(sunsets.length === 0 ? {} : { sunset: httpDate(Math.min(...sunsets)) }),
  };
}

function successorOf({ use }: Deprecation): Readonly<Record<string, string>> {
  return use === null ? {} : { link: `</v1/feature-services/${use}>; rel="successor-version"` };
}

function httpDate(ms: number): string {
  return new Date(ms).toUTCString();
}

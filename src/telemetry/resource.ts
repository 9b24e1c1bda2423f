/** What metrics and traces say of the process they come from. */
import {
  defaultResource,
  detectResources,
  envDetector,
  type Resource,
  resourceFromAttributes,
} from '@opentelemetry/resources';

/** `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` add to this, and come first. */
export function createResource(version: string, instance: string, namespace: string): Resource {
  return defaultResource()
    .merge(
      resourceFromAttributes({
        'service.name': 'skewless',
        'service.version': version,
        'service.instance.id': instance,
        'skewless.namespace': namespace,
      }),
    )
    .merge(detectResources({ detectors: [envDetector] }));
}

/** `/v1/feature-views/:view` → `/v1/feature-views/{view}`, as the documentation of the API has it. */
export function routeTemplate(url: string): string {
  return url.replaceAll(/:([a-z_]+)/g, '{$1}');
}

/** Models as the text of a definitions file. JSON is YAML, so that is what is printed. */
import { type Expression, toSql } from './expression.ts';
import type { ModelFeature, ModelField, ModelSource, ModelView } from './model.ts';

export function printDefinitions(source: ModelSource, views: readonly ModelView[]): string {
  return JSON.stringify({
    sources: [printSource(source)],
    entities: views.map((view) => ({
      name: `${view.name}_entity`,
      keys: Object.fromEntries(view.keys.map(({ name, kind }) => [name, kind])),
    })),
    views: views.map(printView),
  });
}

function printSource({ fields, derive, ...rest }: ModelSource): unknown {
  return {
    ...rest,
    topic: rest.name,
    format: 'json',
    fields: Object.fromEntries(fields.map(printField)),
    ...(derive && { derive: printAll(derive.map(({ name, expression }) => [name, expression] as const)) }),
  };
}

function printField({ name, kind, nullable, path }: ModelField): [string, unknown] {
  const type = nullable ? `${kind}?` : kind;
  return [name, path === undefined ? type : { type, path: path.join('.') }];
}

function printAll(expressions: readonly (readonly [string, Expression])[]): unknown {
  return Object.fromEntries(expressions.map(([name, expression]) => [name, toSql(expression)]));
}

function printView({ source, keys, where, features, ...rest }: ModelView): unknown {
  return {
    ...rest,
    source: source.name,
    entity: `${rest.name}_entity`,
    keys: Object.fromEntries(keys.map(({ name, column }) => [name, column])),
    ...(where && { where: toSql(where) }),
    features: features.map(printFeature),
  };
}

function printFeature({ of, members, where, ...rest }: ModelFeature): unknown {
  return {
    ...rest,
    ...(of && { of: toSql(of) }),
    ...(members && { of: printAll(members) }),
    ...(where && { where: toSql(where) }),
  };
}

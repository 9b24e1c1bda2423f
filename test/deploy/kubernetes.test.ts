/** The manifests, without a cluster: against Kubernetes' own schemas, against each other, and as settings of a process. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Deployment } from 'kubernetes-models/apps/v1';
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1';
import { Namespace, Service } from 'kubernetes-models/v1';
import { expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { parseDurationMs } from '../../src/core/time.ts';
import { run, start, temporaryFolder } from '../cli/run.ts';

const FOLDER = join(import.meta.dirname, '../../deploy/kubernetes');
/** What is being answered when a drain ends has so long (docs/limits.md). */
const CUT_OFF_MS = 10_000;
const MODELS = { Deployment, HorizontalPodAutoscaler, PodDisruptionBudget, Namespace, Service };

interface Kustomization {
  readonly resources: readonly string[];
  readonly configMapGenerator: readonly { readonly name: string; readonly literals?: readonly string[] }[];
}

const KUSTOMIZATION = parse(readFileSync(join(FOLDER, 'kustomization.yaml'), 'utf8')) as Kustomization;

function documents(file: string): readonly { readonly kind: keyof typeof MODELS }[] {
  return parseAllDocuments(readFileSync(join(FOLDER, file), 'utf8')).map(
    (document) => document.toJS() as { kind: keyof typeof MODELS },
  );
}

const ALL = KUSTOMIZATION.resources.flatMap(documents);
const DEPLOYMENTS = ALL.filter(({ kind }) => kind === 'Deployment').map(
  (document) => new Deployment(document as ConstructorParameters<typeof Deployment>[0]),
);

function podOf(deployment: Deployment) {
  const spec = deployment.spec?.template.spec;
  const container = spec?.containers[0];
  if (spec === undefined || container === undefined) throw new Error('a deployment without a container');
  return { spec, container };
}

/** As the process gets it. */
function environmentOf(deployment: Deployment): Record<string, string> {
  const settings = KUSTOMIZATION.configMapGenerator.find(({ name }) => name === 'skewless-settings')?.literals ?? [];
  const own = (podOf(deployment).container.env ?? []).map(({ name, value }) => [name, value ?? ''] as const);
  return {
    ...Object.fromEntries(settings.map((each) => each.split('=') as [string, string])),
    ...Object.fromEntries(own),
  };
}

test.each(ALL.map((document, index) => [`${document.kind} ${index}`, document] as const))(
  '%s is what Kubernetes takes',
  (_name, document) => {
    const model = new MODELS[document.kind](document as never);
    expect(() => model.validate()).not.toThrow();
    // It can fail.
    expect(() => new MODELS[document.kind]({ ...(document as object), spec: 5 } as never).validate()).toThrow();
  },
);

test('there is a deployment for each role, and each of them is scaled and protected by its name and labels', () => {
  expect(DEPLOYMENTS.map((each) => environmentOf(each)['SKEWLESS_ROLE'])).toEqual(['materialize', 'serve']);
  for (const { metadata, spec } of DEPLOYMENTS) {
    const labels = spec?.template.metadata?.labels ?? {};
    expect(spec?.selector.matchLabels).toEqual(labels);
    const name = metadata?.name;
    expect(ALL).toContainEqual(
      expect.objectContaining({ spec: expect.objectContaining({ scaleTargetRef: expect.objectContaining({ name }) }) }),
    );
    expect(ALL).toContainEqual(
      expect.objectContaining({
        kind: 'PodDisruptionBudget',
        spec: expect.objectContaining({ selector: { matchLabels: labels } }),
      }),
    );
  }
});

test('a process is given the time that its drain and its last answers may take', () => {
  for (const deployment of DEPLOYMENTS) {
    const drainMs = parseDurationMs(environmentOf(deployment)['SKEWLESS_DRAIN'] ?? '') ?? Number.NaN;
    const graceMs = (podOf(deployment).spec.terminationGracePeriodSeconds ?? 0) * 1_000;
    expect(graceMs).toBeGreaterThan(drainMs + CUT_OFF_MS);
  }
});

test.each(DEPLOYMENTS.map((each) => [environmentOf(each)['SKEWLESS_ROLE'], each] as const))(
  '%s starts with its settings, and answers its probes',
  { timeout: 60_000 },
  async (_role, deployment) => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'keys'));
    const keys = join(folder, 'keys/keys.yaml');
    const made = await run(['keys', 'create', '--keys', keys, '--name', 'scoring', '--scope', 'read:scoring'], folder);
    const environment: Record<string, string> = {
      ...environmentOf(deployment),
      // What only a cluster has.
      SKEWLESS_DEFINITIONS: join(FOLDER, 'definitions'),
      SKEWLESS_LOG: `sqlite:${join(folder, 'log.sqlite')}`,
      SKEWLESS_STORE: `sqlite:${join(folder, 'store.sqlite')}`,
      SKEWLESS_ADMIN_PORT: '0',
      SKEWLESS_DRAIN: '0s',
      ...(environmentOf(deployment)['SKEWLESS_KEYS'] === undefined ? {} : { SKEWLESS_KEYS: keys }),
    };
    const running = await start(['--host', '0.0.0.0'], folder, environment);
    const url = running.url.replace('0.0.0.0', '127.0.0.1');
    const { container } = podOf(deployment);
    for (const probe of [container.startupProbe, container.livenessProbe]) {
      expect((await fetch(`${url}${probe?.httpGet?.path}`)).status).toBe(200);
    }
    // Nothing is built yet where nobody folds: that is an answer, too.
    expect([200, 503]).toContain((await fetch(`${url}${container.readinessProbe?.httpGet?.path}`)).status);
    const asked = (key: string) =>
      fetch(`${url}/v1/feature-services/scoring`, { headers: key === '' ? {} : { authorization: `Bearer ${key}` } });
    const isOpen = environment['SKEWLESS_AUTH'] === 'none';
    expect((await asked('')).status).toBe(isOpen ? 200 : 401);
    expect((await asked(made.stdout.trim())).status).toBe(200);
    expect((await running.stop()).code).toBe(0);
  },
);

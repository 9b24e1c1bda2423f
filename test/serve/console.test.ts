/**
 * `/console` in a real browser, over the definitions of the flights example: what it shows, that it asks its own host alone, that it
 * can be used by keyboard and read aloud, in both colour schemes, on a phone and on a desk.
 */
import { mkdirSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { expect, onTestFinished, test } from 'vitest';
import { CHROMIUM_PATH, launchChromium } from './browser.ts';
import { startFlights } from './flights.ts';
import type { Harness } from './harness.ts';
import { keyWith, startGuarded } from './access/fixture.ts';

const HOST = 'skewless.example';
const SCREENSHOTS = join(tmpdir(), 'skewless-screenshots');
const FEATURE = '#/features/origin_departures@1/delay_mean_24h';
const SERVICE = '#/services/departure_delay@1';
/** What a page asks for and may well not get: nobody audits here. */
const MAY_BE_ABSENT = /\/v1\/audits/;

if (CHROMIUM_PATH === null) {
  process.stderr.write(
    'SKIPPED: no Chromium found for the test of /console; set CHROMIUM_PATH or install the package chromium\n',
  );
}
const inBrowser = test.skipIf(CHROMIUM_PATH === null && process.env['CI'] !== 'true');

interface Opened {
  readonly page: Page;
  readonly requested: URL[];
  readonly complaints: string[];
  readonly go: (place: string) => Promise<void>;
}

async function open(harness: Harness, scheme: 'light' | 'dark' = 'light', width = 1_280): Promise<Opened> {
  await harness.app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = harness.app.server.address() as AddressInfo;
  const browser = await launchChromium(HOST);
  onTestFinished(() => browser.close());
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme: scheme });
  const requested: URL[] = [];
  const complaints: string[] = [];
  page.on('request', (request) => requested.push(new URL(request.url())));
  page.on('response', (response) => {
    if (response.status() >= 400 && !MAY_BE_ABSENT.test(response.url())) {
      complaints.push(`${response.url()} answered ${response.status()}`);
    }
  });
  page.on('console', (message) => {
    const absent = MAY_BE_ABSENT.test(message.location().url);
    if (message.type() === 'error' && !absent) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  const base = `http://${HOST}:${port}/console`;
  const go = async (place: string): Promise<void> => {
    await page.goto(`${base}${place}`);
    await shown(page);
  };
  await go('');
  return { page, requested, complaints, go };
}

/** So that there is something to be told of: of an airport, of one that nobody has seen, and in Feast's form. */
async function serveSome({ get, post }: Harness): Promise<void> {
  for (const origin of ['JFK', 'XXX']) {
    await get(
      `/v1/feature-services/departure_delay/vectors?origin=${origin}&dest=LAX&carrier=B6&tailnum=N583JB&scheduled_hour=1&distance=2`,
    );
  }
  const features = ['origin_departures:delay_mean_24h'];
  await post('/get-online-features', { features, entities: { origin: ['XXX'] } });
}

const shown = (page: Page) => page.locator('main:not([aria-busy]) h1').waitFor();

async function faultsOf(page: Page): Promise<string[]> {
  // The policy of the page lets no script in but its own: this one comes by the debugger.
  await page.evaluate(axe.source);
  const found = await page.evaluate<{
    readonly violations: readonly { readonly id: string; readonly nodes: readonly { readonly html: string }[] }[];
  }>('axe.run({ resultTypes: ["violations"] })');
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}

/** Wider than the window: a phone would have to be pushed about. */
const isTooWide = (page: Page) =>
  page.evaluate<boolean>('document.documentElement.scrollWidth > document.documentElement.clientWidth');

inBrowser(
  'the catalog is searched, and leads to a feature with definition, freshness, lineage and readers',
  async () => {
    expect(CHROMIUM_PATH, 'CI needs a Chromium').not.toBeNull();
    const harness = await startFlights();
    await serveSome(harness);
    const { page, requested, complaints } = await open(harness);
    expect(await page.getByLabel('API key').isVisible()).toBe(false);
    await page.getByLabel(/Search/).fill('mean ops-ml origin');
    const results = page.locator('main ul h2');
    expect(await results.count()).toBeGreaterThan(2);
    for (const text of await results.allInnerTexts()) expect(text).toContain('origin_departures');
    await page.getByRole('link', { name: 'delay_mean_24h', exact: true }).first().click();
    await page.getByRole('heading', { level: 1, name: 'delay_mean_24h' }).waitFor();
    const text = await page.locator('main').innerText();
    expect(text).toContain('Mean departure delay in minutes');
    expect(text).toContain('dep_delay');
    expect(text).toMatch(/15m/);
    expect(text).toMatch(/ready/);
    expect(text).toContain('anonymous');
    const rates = page.getByRole('table', { name: /Values of this feature/ });
    expect((await rates.locator('tbody tr').allInnerTexts()).map((row) => row.split(/\s+/))).toEqual([
      ['departure_delay@1', 'PRESENT', '1', '50.0', '%'],
      ['departure_delay@1', 'NOT_FOUND', '1', '50.0', '%'],
      ['(listed)', 'NOT_FOUND', '1', '100.0', '%'],
    ]);
    await page.locator('.lineage svg .here').waitFor();
    const names = await page.locator('.lineage svg .name').allTextContents();
    expect(names).toEqual(expect.arrayContaining(['dep_delay', 'departed_at', 'origin', 'carrier_against_airport']));
    expect(names).not.toContain('distance');
    await page.locator('.lineage svg a', { hasText: 'service' }).click();
    await page.getByRole('heading', { level: 1, name: 'departure_delay' }).waitFor();
    expect([
      ...new Set(requested.filter(({ protocol }) => protocol !== 'data:').map(({ hostname }) => hostname)),
    ]).toEqual([HOST]);
    expect(complaints).toEqual([]);
  },
);

inBrowser('a vector is tried by hand, with each number over a range of as_of, and what is wrong is told', async () => {
  const { page, go, complaints } = await open(await startFlights());
  await go(SERVICE);
  const given = {
    origin: 'JFK',
    dest: 'LAX',
    carrier: 'B6',
    tailnum: 'N583JB',
    scheduled_hour: '18',
    distance: '2475',
  };
  for (const [name, value] of Object.entries(given)) await page.getByLabel(new RegExp(`^${name} `)).fill(value);
  await page.getByLabel(/^as_of/).fill('2013-01-31T23:00:00Z');
  await page.keyboard.press('Enter');
  await page.locator('.plots figure').first().waitFor();
  const row = page.locator('main table tr', { has: page.locator('code', { hasText: /^delay_mean_24h$/ }) }).first();
  expect(await row.innerText()).toMatch(/30\s+PRESENT/);
  const plot = page.getByRole('img', { name: /^departures_24h: from 1 to 2, least 1, greatest 2/ });
  // Before the first departure there is none to count: the line begins after it.
  expect(await plot.locator('circle').count()).toBe(7);
  await page.getByLabel(/^scheduled_hour/).fill('late');
  await page.getByRole('button', { name: 'Ask' }).click();
  expect(await page.getByRole('alert').innerText()).toContain('scheduled_hour');
  expect(complaints.filter((each) => !/400/.test(each))).toEqual([]);
});

inBrowser('with keys it asks for one, keeps it for the tab alone, and shows what that key may see', async () => {
  const reader = keyWith(['read:departure_bonus'], { name: 'bonus model' });
  const { page } = await open(await startGuarded([reader]));
  await page.getByRole('heading', { name: 'A key is needed' }).waitFor();
  expect(await page.locator('main').innerText()).not.toContain('departure');
  await page.getByLabel('API key').fill(reader.text);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'Catalog' }).waitFor();
  const text = await page.locator('main').innerText();
  expect(text).toContain('departure_bonus@1');
  expect(text).not.toMatch(/departure_pay|salaries/);
  expect(await page.evaluate('[localStorage.length, document.cookie, sessionStorage.length]')).toEqual([0, '', 1]);
  expect(page.url()).not.toContain(reader.text);
  await page.getByRole('button', { name: 'Forget key' }).click();
  await page.getByRole('heading', { name: 'A key is needed' }).waitFor();
});

inBrowser.each(['light', 'dark'] as const)(
  'every page can be read and used by everybody, %s, on a desk and a phone',
  async (scheme) => {
    mkdirSync(SCREENSHOTS, { recursive: true });
    const harness = await startFlights();
    await serveSome(harness);
    const { page, go } = await open(harness, scheme);
    for (const [name, place] of [
      ['catalog', ''],
      ['feature', FEATURE],
      ['service', SERVICE],
      ['sources', '#/sources'],
      ['audits', '#/audits'],
    ] as const) {
      await page.setViewportSize({ width: 1_280, height: 900 });
      await go(place);
      await page.reload();
      await shown(page);
      expect(await faultsOf(page), name).toEqual([]);
      for (const width of [1_280, 390]) {
        await page.setViewportSize({ width, height: 900 });
        expect([name, width, await isTooWide(page)]).toEqual([name, width, false]);
        await page.screenshot({ path: join(SCREENSHOTS, `console-${name}-${scheme}-${width}.png`), fullPage: true });
      }
    }
  },
);

inBrowser('by keyboard alone: past the navigation, to the content, and the focus follows the page', async () => {
  const { page } = await open(await startFlights());
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  expect(await page.evaluate('document.activeElement.id')).toBe('main');
  await page.getByRole('link', { name: 'Sources' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'Sources' }).waitFor();
  await page.waitForFunction('document.activeElement.id === "main"');
  expect(await page.title()).toBe('Sources – Skewless console');
  expect(await page.locator('nav a[aria-current]').innerText()).toBe('Sources');
});

test('its files are served with a policy that lets nothing in from elsewhere, and nothing beside them is', async () => {
  const { app } = await startFlights();
  const { statusCode, headers, body } = await app.inject('/console');
  expect(statusCode).toBe(200);
  expect(headers['content-security-policy']).toMatch(/^default-src 'self'; .*frame-ancestors 'none'$/);
  expect(headers['content-type']).toBe('text/html; charset=utf-8');
  expect(body).not.toMatch(/https?:|style=|onclick|<script>|<style/);
  for (const file of ['console.js', 'console.css']) expect((await app.inject(`/console/${file}`)).statusCode).toBe(200);
  for (const file of ['nothing.js', '..%2Fapp.ts', '%2e%2e%2fapp.ts']) {
    expect((await app.inject(`/console/${file}`)).statusCode).toBe(404);
  }
});

/**
 * `/docs` in a real browser, over the definitions of the flights example: the page loads everything from its own host,
 * and "Try it out" sends the request that the documentation shows and gets a vector back.
 */
import { mkdirSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, onTestFinished, test } from 'vitest';
import { CHROMIUM_PATH, launchChromium } from './browser.ts';
import { startFlights } from './flights.ts';
import type { Harness } from './harness.ts';

const HOST = 'skewless.example';
const SCREENSHOTS = join(tmpdir(), 'skewless-screenshots');

if (CHROMIUM_PATH === null) {
  process.stderr.write(
    'SKIPPED: no Chromium found for the test of /docs; set CHROMIUM_PATH or install the package chromium\n',
  );
}

/** The page, opened, with what it asked for and what it complained about. */
async function openDocs(): Promise<{ harness: Harness; page: Page; requested: URL[]; complaints: string[] }> {
  const harness = await startFlights();
  await harness.app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = harness.app.server.address() as AddressInfo;
  const browser = await launchChromium(HOST);
  onTestFinished(() => browser.close());
  const page = await browser.newPage({ viewport: { width: 1280, height: 1600 } });
  const requested: URL[] = [];
  const complaints: string[] = [];
  page.on('request', (request) => requested.push(new URL(request.url())));
  page.on('requestfailed', (request) => complaints.push(`${request.url()} failed`));
  page.on('response', (response) => {
    if (response.status() >= 400) complaints.push(`${response.url()} answered ${response.status()}`);
  });
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(`http://${HOST}:${port}/docs`);
  await page.locator('.opblock').first().waitFor();
  return { harness, page, requested, complaints };
}

test.skipIf(CHROMIUM_PATH === null && process.env['CI'] !== 'true')(
  'the page shows every operation, loads from its own host alone, and answers a request tried from it',
  async () => {
    expect(CHROMIUM_PATH, 'CI needs a Chromium').not.toBeNull();
    const { harness, page, requested, complaints } = await openDocs();
    const shown = await page.locator('.opblock-summary-path').allInnerTexts();
    const { paths } = harness.app.swagger() as { paths: Record<string, Record<string, unknown>> };
    const count = Object.values(paths).reduce((sum, methods) => sum + Object.keys(methods).length, 0);
    expect(shown).toHaveLength(count);
    mkdirSync(SCREENSHOTS, { recursive: true });
    await page.screenshot({ path: join(SCREENSHOTS, 'docs.png'), fullPage: true });

    const operation = page.locator('#operations-vectors-postVectors');
    await operation.locator('.opblock-summary-control').click();
    const answered = page.waitForResponse((response) => response.url().endsWith('/vectors'));
    await operation.locator('button.execute').click();
    const response = await answered;
    expect(response.status()).toBe(200);
    const vector = (await response.json()) as { service: string; features: string[]; vectors: { values: unknown[] }[] };
    expect(vector.service).toBe('departure_delay');
    expect(vector.vectors[0]?.values[vector.features.indexOf('delay_mean_24h')]).toBe(30);
    await operation.locator('.live-responses-table .response-col_status').first().waitFor();
    await page.screenshot({ path: join(SCREENSHOTS, 'docs-tried.png'), fullPage: true });

    expect([
      ...new Set(requested.filter(({ protocol }) => protocol !== 'data:').map(({ hostname }) => hostname)),
    ]).toEqual([HOST]);
    expect(complaints).toEqual([]);
  },
);

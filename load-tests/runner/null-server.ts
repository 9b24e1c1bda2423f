/**
 * The null route, a process of its own: the same runtime as the product and the same machine, and nothing to do. It is no
 * route of the product, whose slowness would else raise the budgets that are to find it.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const BODY = '{"status":"alive"}';
const HEADERS = { 'content-type': 'application/json', 'content-length': BODY.length };

const server = createServer((_request, response) => response.writeHead(200, HEADERS).end(BODY)).listen(0, '127.0.0.1');
await once(server, 'listening');
process.stdout.write(`listens on http://127.0.0.1:${(server.address() as AddressInfo).port}/\n`);

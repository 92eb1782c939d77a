// The exported registration files, and published ones, loaded by agent0-sdk as the token URI of an identity registry. The
// chain is a server in this process that knows one answer.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { SDK } from 'agent0-sdk';
import { encodeAbiParameters } from 'viem';

const read = (path) => JSON.parse(readFileSync(new URL(path, import.meta.url)));
const files = (folder, kept) => readdirSync(new URL(folder, import.meta.url)).filter(kept).map((name) => folder + name);
const exported = files('../exports/', (name) => name.endsWith('.erc8004.json'));
const published = files('../published/', (name) => name.startsWith('erc-8004'));

let tokenUri = '';
const answers = {
  eth_chainId: () => '0x1',
  // tokenURI(agentId), the only call that loading makes.
  eth_call: () => encodeAbiParameters([{ type: 'string' }], [tokenUri]),
};
const chain = http.createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const { id, method } = JSON.parse(Buffer.concat(chunks));
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ jsonrpc: '2.0', id, result: answers[method]() }));
});

let sdk;
before(async () => {
  await new Promise((listening) => chain.listen(0, '127.0.0.1', listening));
  sdk = new SDK({ chainId: 1, rpcUrl: `http://127.0.0.1:${chain.address().port}` });
});
after(() => chain.close());

const load = async (file) => {
  const data = Buffer.from(JSON.stringify(file)).toString('base64');
  tokenUri = `data:application/json;base64,${data}`;
  return (await sdk.loadAgent('1:7')).getRegistrationFile();
};

for (const path of [...exported, ...published]) {
  test(`${path} is understood`, async () => {
    const file = read(path);
    const read_by_sdk = await load(file);
    assert.equal(read_by_sdk.name, file.name);
    assert.equal(read_by_sdk.description, file.description);
    assert.equal(read_by_sdk.image, file.image);
    assert.equal(read_by_sdk.active, file.active ?? false);
    assert.equal(read_by_sdk.x402support, file.x402Support ?? false);
    assert.deepEqual(read_by_sdk.trustModels, file.supportedTrust ?? []);
    const services = (file.services ?? file.endpoints).map(({ name, endpoint }) => [name.toLowerCase(), endpoint]);
    const found = read_by_sdk.endpoints.map(({ type, value }) => [type.toLowerCase(), value]);
    assert.deepEqual(found, services);
  });
}

test('there are ten files', () => assert.equal(exported.length + published.length, 7 + 3));

test('the SDK can refuse: a list is no registration file', async () => {
  await assert.rejects(load([]), /expected an object|Invalid/);
});

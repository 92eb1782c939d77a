// The exported DID documents, resolved by web-did-resolver. Its requests for any host reach a server in this process, which
// serves each document where did:web says, and nothing else.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { Resolver } from 'did-resolver';
import { getResolver } from 'web-did-resolver';

const folder = new URL('../exports/', import.meta.url);
const names = readdirSync(folder).filter((name) => name.endsWith('.did.json'));
const read = (name) => JSON.parse(readFileSync(new URL(name, folder)));

let served;
const asked = [];
const server = http.createServer((request, response) => {
  asked.push(`${request.headers.host}${request.url}`);
  response.statusCode = request.url === '/seven/did.json' ? 200 : 404;
  response.end(response.statusCode === 200 ? JSON.stringify(served) : '');
});

before(async () => {
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  https.globalAgent.createConnection = () => net.connect(server.address().port, '127.0.0.1');
});
after(() => server.close());

const resolver = new Resolver(getResolver());

test('every exported document resolves to itself', async () => {
  assert.equal(names.length, 7);
  for (const name of names) {
    served = read(name);
    const { didDocument, didResolutionMetadata } = await resolver.resolve(served.id);
    assert.equal(didResolutionMetadata.error, undefined, `${name}: ${didResolutionMetadata.message}`);
    assert.deepEqual(didDocument, served, name);
    assert.equal(asked.at(-1), 'agents.example/seven/did.json');
    // A reference leads to a key of the document.
    const keys = didDocument.verificationMethod.map((method) => method.id);
    for (const use of ['authentication', 'assertionMethod', 'keyAgreement']) {
      assert.ok(didDocument[use].length > 0 && didDocument[use].every((id) => keys.includes(id)), `${name}: ${use}`);
    }
  }
});

test('the resolver can refuse: a document of another id, and one that is not there', async () => {
  served = { ...read(names[0]), id: 'did:web:other.example' };
  assert.ok((await resolver.resolve('did:web:agents.example:seven')).didResolutionMetadata.error);
  assert.ok((await resolver.resolve('did:web:agents.example')).didResolutionMetadata.error);
});

// The examples against the real contracts: `npm test` builds the client, starts a chain with them, and runs both.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { start } from '../../../../sandbox-tests/localnet/tests/js/chain.mjs';

const folder = mkdtempSync(join(tmpdir(), 'charter-'));
const demo = ['--until', 'deploy', '--serve', '--data-dir', folder, '--api-addr', '127.0.0.1:0'];
const chain = await start(['--bin', 'charter', '--', 'demo', ...demo], join(folder, 'chain/validator_key.json'));
after(async () => {
  await chain.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function run(name) {
  const example = new URL(`../dist/examples/${name}.js`, import.meta.url).pathname;
  const { stdout } = await promisify(execFile)(process.execPath, [example, chain.url, chain.rootId, chain.rootKey]);
  assert.match(stdout, /all steps passed/);
}

test('near-api-js reads typed answers of the contracts', () => run('agent'));
test('a member of a DAO votes by stake through near-api-js', () => run('dao'));

// A chain for a test: builds and starts one of the workspace's programs, and stops it.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { once } from 'node:events';

const workspace = new URL('../../../../', import.meta.url);

// What the programs say once they listen: where, and which file has the root account's key.
const URL_LINE = /JSON-RPC\s+(?:at\s+)?(http:\/\/[0-9.:]+)/;
const KEY_LINE = /root key\s+(\S+)/;

/// Runs `cargo run` with these arguments and waits for the program's addresses. `keyFile` is where the key will be if the
/// program does not say it.
export async function start(args, keyFile) {
  // A group of its own: stopping cargo alone would leave the program.
  const child = spawn('cargo', ['run', '--quiet', ...args], { cwd: workspace, detached: true });
  const ended = once(child, 'exit');
  let said = '';
  const ready = new Promise((resolve, reject) => {
    const hear = (bytes) => {
      said += bytes;
      const key = keyFile ?? KEY_LINE.exec(said)?.[1];
      const url = URL_LINE.exec(said)?.[1];
      if (key && url) resolve({ key, url });
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    ended.then(([code]) => reject(new Error(`cargo run ${args.join(' ')} ended with ${code}:\n${said}`)), reject);
  });
  const { key, url } = await ready;
  const { account_id: rootId, secret_key: rootKey } = JSON.parse(readFileSync(key));
  const stop = async () => {
    process.kill(-child.pid, 'SIGKILL');
    await ended;
  };
  return { url, rootId, rootKey, stop };
}

// Asks /openapi.json what there is, shows a form for each path, and what comes of it. Whatever the server says is shown as text,
// never as HTML: names and addresses in it are anybody's.
'use strict';

const at = (id) => document.getElementById(id);

/** A new element with text in it. */
function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

/** A number that is more than JavaScript's are exact for stays as it was written. */
function exact(_, value, context) {
  const isInexact = typeof value === 'number' && !Number.isSafeInteger(value) && context && JSON.rawJSON;
  return isInexact ? JSON.rawJSON(context.source) : value;
}

async function ask(path) {
  const response = await fetch(path, { headers: { accept: 'application/json' } });
  return { response, body: JSON.parse(await response.text(), exact) };
}

/** The path of a question: parameters in it, and those that have a value behind it. */
function pathOf(template, parameters, values) {
  let path = template;
  const query = new URLSearchParams();
  for (const { name, in: place } of parameters) {
    const value = values.get(name) ?? '';
    if (place === 'path') {
      path = path.replace(`{${name}}`, value.split('/').map(encodeURIComponent).join('/'));
    } else if (value !== '') {
      query.set(name, value);
    }
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

function field({ name, required, schema, description }) {
  const label = document.createElement('label');
  label.append(element('span', required ? `${name} (needed)` : name));
  const choices = schema.enum ?? (schema.type === 'boolean' ? ['true', 'false'] : null);
  const input = document.createElement(choices ? 'select' : 'input');
  if (choices) {
    for (const choice of required ? choices : ['', ...choices]) {
      input.append(element('option', choice));
    }
  }
  input.name = name;
  input.required = Boolean(required);
  if (description) {
    input.title = description;
  }
  label.append(input);
  return label;
}

/** Asks, and shows what comes. */
async function show(template, parameters) {
  const path = pathOf(template, parameters, new FormData(at('question')));
  at('asked').textContent = `GET ${path}`;
  at('next').hidden = true;
  try {
    const { response, body } = await ask(path);
    const height = response.headers.get('x-indexed-height');
    at('block').textContent = `${response.status}${height ? `, as of block ${height}` : ''}`;
    at('answer').textContent = JSON.stringify(body, null, 2);
    if (body && typeof body.next !== 'undefined' && body.next !== null) {
      at('next').hidden = false;
      at('next').onclick = () => {
        at('question').elements.after.value = body.next;
        show(template, parameters);
      };
    }
  } catch (error) {
    at('block').textContent = '';
    at('answer').textContent = String(error);
  }
}

function choose(template, { summary, parameters }, button) {
  for (const other of document.querySelectorAll('nav button')) {
    other.removeAttribute('aria-current');
  }
  button.setAttribute('aria-current', 'true');
  at('title').textContent = template;
  at('summary').textContent = summary;
  at('fields').replaceChildren(...parameters.map(field));
  at('question').hidden = false;
  at('question').onsubmit = (event) => {
    event.preventDefault();
    show(template, parameters);
  };
  for (const id of ['asked', 'block', 'answer']) {
    at(id).textContent = '';
  }
  at('next').hidden = true;
  if (!parameters.some(({ required }) => required)) {
    show(template, parameters);
  }
}

async function begin() {
  const { body: document_ } = await ask('/openapi.json');
  at('about').textContent = document_.info.description;
  for (const [template, { get }] of Object.entries(document_.paths)) {
    // What has no end, or a language of its own, is not for a form.
    if (!get?.responses['200'].content['application/json']) {
      continue;
    }
    const button = element('button', template);
    button.type = 'button';
    button.title = get.summary;
    button.onclick = () => choose(template, get, button);
    const item = document.createElement('li');
    item.append(button);
    at('paths').append(item);
  }
  const { body: ready } = await ask('/readyz');
  const { height, lag_blocks: lag, detail } = ready;
  at('status').textContent = detail ?? `Block ${height}${lag === null ? '' : `, ${lag} behind the node`}.`;
}

begin().catch((error) => {
  at('status').textContent = String(error);
});

// Copies what the server says into the page, once a second. Text only: never markup.
'use strict';

const POLL_MS = 1000;
const SVG = 'http://www.w3.org/2000/svg';
const all = (selector) => document.querySelectorAll(selector);
let paused = false;

function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function make(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text) node.textContent = text;
  return node;
}

function draw(tag, attributes) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

function picture(viewBox, shapes) {
  const svg = draw('svg', { viewBox, preserveAspectRatio: 'none', 'aria-hidden': 'true' });
  svg.append(...shapes);
  return svg;
}

function newCell(cell, column, headings) {
  if (cell.kind === 'empty') {
    const node = make('td', 'empty');
    node.colSpan = headings.length;
    return node;
  }
  const node = make(column === 0 ? 'th' : 'td');
  if (column === 0) node.scope = 'row';
  node.dataset.label = headings[column] || '';
  if (cell.kind !== 'spark') node.append(make('span'));
  if (cell.kind === 'spark') node.append(picture('0 0 120 24', [draw('path', {})]));
  if (cell.kind === 'bar') {
    node.append(picture('0 0 100 6', [
      draw('rect', { class: 'track', width: 100, height: 6 }),
      draw('rect', { class: 'fill', height: 6 }),
    ]));
  }
  return node;
}

function fillCell(node, cell) {
  if (cell.kind === 'empty') return say(node, cell.value);
  node.className = `${cell.kind} ${cell.class || ''}`;
  if (cell.kind === 'spark') return node.querySelector('path').setAttribute('d', cell.value);
  if (cell.kind === 'bar') node.querySelector('.fill').setAttribute('width', cell.percent);
  return say(node.firstElementChild, cell.value);
}

function shape(row) {
  return row.map((cell) => cell.kind).join();
}

function fillTable(body, rows) {
  const headings = [...body.parentNode.querySelectorAll('thead th')].map((th) => th.textContent);
  while (body.rows.length > rows.length) body.deleteRow(-1);
  rows.forEach((row, i) => {
    const line = body.rows[i] || body.insertRow();
    if (line.dataset.shape !== shape(row)) {
      line.dataset.shape = shape(row);
      line.replaceChildren(...row.map((cell, column) => newCell(cell, column, headings)));
    }
    row.forEach((cell, column) => fillCell(line.cells[column], cell));
  });
}

function fillServices(names) {
  const select = document.getElementById('service');
  const have = [...select.options].map((option) => option.value).slice(1);
  if (have.join('\n') === names.join('\n')) return;
  const chosen = select.value;
  const options = names.map((name) => new Option(name, name));
  select.replaceChildren(new Option('all', ''), ...options);
  select.value = names.includes(chosen) ? chosen : '';
}

function fillStatus(view) {
  for (const node of all('[data-text]')) say(node, view.text[node.dataset.text] || '');
  for (const node of all('[data-class]')) {
    node.className = `${node.dataset.base || ''} ${view.class[node.dataset.class] || ''}`.trim();
  }
  for (const node of all('[data-spark]')) {
    node.setAttribute('d', view.spark[node.dataset.spark] || '');
  }
  for (const body of all('[data-table]')) fillTable(body, view.tables[body.dataset.table] || []);
  fillServices(view.services);
}

function pieces(parts) {
  return parts.map((part) => make(part.masked ? 'mark' : 'span', '', part.text));
}

function newRecord(record) {
  const item = make('li', record.level);
  const meta = make('div', 'meta');
  meta.append(make('time', '', record.time), make('b', '', record.service));
  meta.append(make('i', 'level', record.level));
  const body = make('div', 'body');
  const message = make('p');
  message.append(...pieces(record.msg));
  const list = make('dl');
  for (const [key, value] of record.fields) {
    const pair = make('div');
    const data = make('dd');
    data.append(...pieces(value));
    pair.append(make('dt', '', key), data);
    list.append(pair);
  }
  body.append(message, list);
  if (record.removed) body.append(make('small', '', `removed: ${record.removed}`));
  item.append(meta, body);
  return item;
}

async function ask(path) {
  const answer = await fetch(path, { cache: 'no-store' });
  if (!answer.ok) throw new Error('no answer');
  return answer.json();
}

// Whoever reads, selects or has scrolled is not disturbed.
function held() {
  const list = document.getElementById('tail');
  const selection = getSelection();
  const selecting = !selection.isCollapsed && list.contains(selection.anchorNode);
  return paused || selecting || list.scrollTop > 0;
}

async function tail(asked) {
  const hint = document.getElementById('hint');
  say(hint, held() ? 'held while you read' : 'newest first, UTC');
  if (held() && !asked) return;
  const service = document.getElementById('service').value;
  const records = await ask(`/api/tail?service=${encodeURIComponent(service)}`);
  if (asked || !held()) document.getElementById('tail').replaceChildren(...records.map(newRecord));
}

async function poll() {
  if (!document.hidden) {
    try {
      fillStatus(await ask('/api/status'));
      await tail(false);
    } catch {
      const node = document.querySelector('[data-text="ready"]');
      say(node, 'No answer from Tamis');
      node.parentNode.className = 'bad';
    }
  }
  setTimeout(poll, POLL_MS);
}

const button = document.getElementById('pause');
button.addEventListener('click', () => {
  paused = !paused;
  button.setAttribute('aria-pressed', String(paused));
  say(button, paused ? 'Resume' : 'Pause');
});
document.getElementById('service').addEventListener('change', () => tail(true).catch(() => {}));
document.querySelector('.controls').hidden = false;
poll();

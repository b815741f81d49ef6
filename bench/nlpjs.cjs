// nlp.js (zh) on one split of a data set, in a process of its own: node bench/nlpjs.cjs <folder with node_modules> < split.json
// In: {"train": [[label, text], …], "inside": [text, …], "outside": [text, …], "warm": n}. Out: guesses, microseconds, seconds, memory, version.
'use strict';

const path = require('node:path');
const { createRequire } = require('node:module');

const folder = path.resolve(process.argv[2]);
const { train, inside, outside, warm } = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));
const before = process.memoryUsage().rss;
const need = createRequire(path.join(folder, 'index.js'));

console.log = () => {}; // it logs every epoch there, whatever its settings say

async function main() {
  const { containerBootstrap } = need('@nlpjs/core');
  const { Nlp } = need('@nlpjs/nlp');
  const { LangZh } = need('@nlpjs/lang-zh');
  const container = await containerBootstrap();
  container.use(Nlp);
  container.use(LangZh);
  const nlp = container.get('nlp');
  nlp.settings.autoSave = false;
  nlp.addLanguage('zh');
  for (const [label, text] of train) nlp.addDocument('zh', text, label);
  const began = process.hrtime.bigint();
  await nlp.train();
  const seconds = Number(process.hrtime.bigint() - began) / 1e9;
  const memory = (process.memoryUsage().rss - before) / 2 ** 20;

  // the best of the labels: its own None stands for a threshold, which AUROC does without
  async function guess(text) {
    const { classifications } = await nlp.process('zh', text);
    const best = classifications.find((c) => c.intent !== 'None');
    return best ? [best.intent, best.score] : ['', 0];
  }

  for (const text of inside.slice(0, warm)) await guess(text);
  const guesses = [];
  const micros = [];
  for (const text of inside) {
    const start = process.hrtime.bigint();
    guesses.push(await guess(text));
    micros.push(Number(process.hrtime.bigint() - start) / 1000);
  }
  const strange = [];
  for (const text of outside) strange.push((await guess(text))[1]);
  const version = need('@nlpjs/nlp/package.json').version;
  process.stdout.write(JSON.stringify({ guesses, outside: strange, micros, seconds, memory, version }));
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});

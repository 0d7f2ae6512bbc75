#!/usr/bin/env python3
"""Builds words.txt and pairs.bin: build_lexicon.py MESSAGES.tsv SOURCES_DIR OUT_DIR [--without PROJECT,...]

MESSAGES.tsv is made by extract.py, SOURCES_DIR by fetch.py. Same input, same bytes out.
words.txt: `word<TAB>score<TAB>flags` in order of rank; the line number is the word's id (0 = number).
pairs.bin: Bloom filter over (id, id); src/lexicon/tables.rs reads it with the same hash.
"""
import collections
import glob
import gzip
import importlib
import json
import math
import os
import re
import sys
import tarfile
import zipfile

WORDS_MAX = 20_000
PAIR_BITS = 9
PROBES = 6
MIN_PROJECTS = 3
STRONG_SCORE = 0.25
NAME_SCORE = 0.6
UNIT = 32
FLAG = {'strong': 1, 'function': 2, 'name': 4, 'value_keys': 8, 'counted': 16, 'units': 32,
        'products': 64, 'banned': 128}
HERE = os.path.dirname(os.path.abspath(__file__))
DIRECTIVE = re.compile(
    r'%[-+ #0]*(?:\*|\d+)?(?:\.(?:\*|\d+))?(?:hh|h|ll|l|z|j|t|L|q|I64)?[a-zA-Z]'
    r'|%\(\w+\)[a-z]|%\{[^}]*\}\w?|\$?\{[^{}]{0,60}\}')
TOKEN = re.compile(r'[A-Za-z][A-Za-z0-9]*|\d[\d.,]*[A-Za-z]*|[^\x00-\x7f]+|[.;!?](?=\s|$)|\S')
CAMEL = re.compile(r'[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+')


def read_list(name):
    words = []
    with open(f'{HERE}/../lists/{name}.txt', encoding='utf-8') as f:
        for line in f:
            if not line.startswith('#'):
                words += line.split()
    return words


def tokens(s):
    """Words (folded), '#' for a number or hole, None for a break; yields (word, cased)."""
    for m in TOKEN.finditer(DIRECTIVE.sub(' 0 ', s)):
        g = m.group()
        if g[0].isalpha() and g.isascii():
            if g.isalpha() and (g.islower() or g.isupper() or g[1:].islower()):
                yield g.lower(), g
            elif re.fullmatch(r'[A-Za-z]+\d{1,4}', g):
                yield g.lower(), g
            else:
                for p in CAMEL.findall(g):
                    yield ('#', p) if p.isdigit() else (p.lower(), p)
        elif g[0].isdigit():
            yield '#', g
        elif g in '.;!?' or not g.isascii():
            yield None, g


def english(src):
    """Occurrences per word: mean of spaCy's word probabilities and SymSpell's counts."""
    prob = collections.Counter()
    path, = glob.glob(f'{src}/pypi/spacy_lookups_data-*.whl')
    with zipfile.ZipFile(path) as z:
        table = json.loads(gzip.decompress(
            z.read('spacy_lookups_data/data/en_lexeme_prob.json.gz')))
    for w, p in table.items():
        if w.isalpha() and w.isascii():
            prob[w.lower()] += math.exp(p)
    path, = glob.glob(f'{src}/pypi/symspellpy-*.whl')
    with zipfile.ZipFile(path) as z:
        rows = z.read('symspellpy/frequency_dictionary_en_82_765.txt').decode('utf-8-sig')
        bigrams = z.read('symspellpy/frequency_bigramdictionary_en_243_342.txt') \
            .decode('utf-8-sig')
    counts = {w: int(n) for w, n in (r.split() for r in rows.splitlines() if r.strip())}
    total = sum(counts.values())
    for w in sorted(set(prob) | set(counts)):
        prob[w] = (prob[w] + counts.get(w, 0) / total) / 2
    pairs = {}
    for r in bigrams.splitlines():
        a = r.split()
        if len(a) == 3:
            pairs[(a[0], a[1])] = int(a[2]) / total
    return prob, pairs


def french(src):
    """Share of each word in the French labour, social-security and collective agreements texts."""
    count = collections.Counter()
    for path in sorted(glob.glob(f'{src}/npm/socialgouv-*.tgz')):
        with tarfile.open(path) as tf:
            for m in sorted(tf.getmembers(), key=lambda m: m.name):
                if '/data/' in m.name and m.name.endswith('.json') and 'index' not in m.name:
                    text = tf.extractfile(m).read().decode('utf-8', 'replace')
                    for s in re.findall(r'"(?:texte|content)": ?"((?:[^"\\]|\\.)*)"', text):
                        s = re.sub(r'<[^>]*>|\\[nrt]|\\u[0-9a-f]{4}', ' ', s).lower()
                        count.update(re.findall(r"[^\W\d_]+", s))
    total = sum(count.values()) or 1
    return {w: n / total for w, n in count.items() if n >= 3}


def names(src):
    path, = glob.glob(f'{src}/pypi/faker-*.whl')
    sys.path.insert(0, path)
    out = set()
    for kind, attrs in (('person', ('first_name', 'last_name')),
                        ('address', ('cities', 'city_', 'departments', 'regions', 'states',
                                     'countries'))):
        for loc in ('fr_FR fr_BE fr_CH fr_CA en_US en_GB de_DE es_ES it_IT pt_PT nl_NL pl_PL '
                    'ro_RO tr_TR cs_CZ sv_SE').split():
            try:
                provider = importlib.import_module(f'faker.providers.{kind}.{loc}').Provider
            except ImportError:
                continue
            for a in sorted(dir(provider)):
                value = getattr(provider, a)
                if any(x in a for x in attrs) and isinstance(value, (dict, list, tuple, set)):
                    for x in value:
                        x = ' '.join(map(str, x)) if isinstance(x, (tuple, list)) else str(x)
                        if '{' not in x:
                            out |= {p.lower() for p in re.findall(r'[^\W\d_]{3,}', x)}
    path, = glob.glob(f'{src}/npm/etalab-decoupage-administratif-*.tgz')
    with tarfile.open(path) as tf:
        for part in ('communes', 'departements', 'regions'):
            for row in json.load(tf.extractfile(f'package/data/{part}.json')):
                if re.fullmatch(r'[^\W\d_]{4,}', row['nom']):
                    out.add(row['nom'].lower())
    return out


class Corpus:
    """Counts of words and pairs over unique literals."""

    def __init__(self, path, without):
        self.words = collections.defaultdict(collections.Counter)
        self.lower = collections.Counter()
        self.pairs = collections.Counter()
        self.pair_projects = collections.defaultdict(set)
        seen = set()
        with open(path, encoding='utf-8') as f:
            for line in f:
                project, _, s = line.rstrip('\n').split('\t', 2)
                if project not in without and s not in seen:
                    seen.add(s)
                    self.add(project, s)
        self.literals = len(seen)
        self.total = sum(sum(c.values()) for c in self.words.values())

    def add(self, project, s):
        seen, cased, prev, gap = set(), {}, None, 0
        for w, raw in tokens(s):
            if w is None:
                prev = None
                continue
            if w != '#':
                seen.add(w)
                # Capitals throughout say nothing: acronyms and headings.
                cased[w] = cased.get(w, False) or not (raw[0].isupper() and raw[1:].islower())
            if w in FUNCTION:
                gap += 1
                continue
            if prev is not None and gap <= 2 and not prev == w == '#':
                self.pairs[(prev, w)] += 1
                self.pair_projects[(prev, w)].add(project)
            prev, gap = w, 0
        for w in seen:
            self.words[w][project] += 1
            self.lower[w] += cased[w]


FUNCTION = set(read_list('function'))


def select(corpus, src):
    """Rows (word, score, flags) by rank."""
    en, _ = english(src)
    fr = french(src)
    people = names(src)
    sensitive, weak = set(read_list('sensitive')), set(read_list('weak'))
    lists = {k: set(read_list(k)) for k in ('value_keys', 'counted', 'units', 'products')}
    technical = set(read_list('technical'))
    for w in sorted(technical):
        corpus.words[w]['list'] += 1
    rows = []
    for w, c in corpus.words.items():
        n, projects = sum(c.values()), len(c)
        listed = w in technical or any(w in v for v in lists.values())
        if len(w) < 2 and w not in FUNCTION or len(w) > 32:
            continue
        if w in sensitive and w in lists['value_keys']:
            rows.append((True, False, 0, w, -2 * UNIT, FLAG['value_keys'] | FLAG['banned']))
        if w in sensitive or projects < MIN_PROJECTS and not listed and w not in FUNCTION:
            continue
        if any(ch.isdigit() for ch in w) and (projects < 5 or re.fullmatch(r'[a-f\d]+', w)):
            continue
        general = max(en.get(w, 0), fr.get(w, 0), 1e-8)
        score = max(-2.0, min(3.0, math.log10(n / corpus.total / general)))
        flags = sum(FLAG[k] for k, v in lists.items() if w in v)
        if w in FUNCTION:
            flags |= FLAG['function']
        elif w in technical:
            score = max(score, 1.0)
            flags |= FLAG['strong']
        elif w in weak:
            score = min(score, 0.0)
        elif score >= STRONG_SCORE:
            flags |= FLAG['strong']
        rank = sum(math.log1p(v) for v in c.values())
        if w in people and w not in FUNCTION and not listed:
            share = corpus.lower[w] / n
            if projects >= 100 or projects >= 40 and share >= 0.5:
                pass  # `read`, `state`, `main`: surnames too, but everywhere in logs
            elif score >= NAME_SCORE and projects >= 12 and share >= 0.6:
                flags |= FLAG['name']
            else:
                continue
        rows.append((w not in FUNCTION, not listed, -rank, w, round(score * UNIT), flags))
    rows.sort()
    return [(w, score, flags) for _, _, _, w, score, flags in rows[:WORDS_MAX]]


def pair_hash(a, b):
    mask = (1 << 64) - 1
    z = ((a << 32 | b) + 0x9e3779b97f4a7c15) & mask
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9 & mask
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb & mask
    return z ^ (z >> 31)


def bloom(ids):
    size = max(8, (len(ids) * PAIR_BITS + 7) // 8)
    bits = bytearray(size)
    for a, b in ids:
        h = pair_hash(a, b)
        step = (h >> 32) | 1
        for i in range(PROBES):
            bit = ((h + i * step) & ((1 << 64) - 1)) % (size * 8)
            bits[bit // 8] |= 1 << (bit % 8)
    return bytes(bits)


def main():
    messages, src, out = sys.argv[1:4]
    without = set(sys.argv[5].split(',')) if len(sys.argv) > 5 else set()
    corpus = Corpus(messages, without)
    rows = select(corpus, src)
    ids = {w: i + 1 for i, (w, _, _) in enumerate(rows)} | {'#': 0}
    score = {w: s for w, s, _ in rows} | {'#': 0}
    _, general = english(src)
    pair_total = sum(corpus.pairs.values())
    kept = []
    for (a, b), n in sorted(corpus.pairs.items()):
        if a not in ids or b not in ids:
            continue
        # A pair that general English prefers by far says nothing about technical company.
        g = general.get((a, b), 0)
        if g and math.log10(n / pair_total / g) + (score[a] + score[b]) / (2 * UNIT) < 0:
            continue
        kept.append((ids[a], ids[b]))
    with open(f'{out}/words.txt', 'w', encoding='ascii') as f:
        for w, s, flags in rows:
            f.write(f'{w}\t{s}\t{flags}\n')
    with open(f'{out}/pairs.bin', 'wb') as f:
        f.write(bloom(kept))
    print('literals', corpus.literals, 'words', len(rows), 'pairs', len(kept), 'of',
          len(corpus.pairs))


if __name__ == '__main__':
    main()

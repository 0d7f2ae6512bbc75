#!/usr/bin/env python3
"""Collects message literals from package sources: extract.py SOURCES_DIR OUT.tsv

Output rows: project, kind, literal (one line each, sorted, unique). Kinds: `log` (inside a logging
call), `err` (error, exception or format call), `mo` (msgid of a gettext catalogue), `elf`
(message-like string of a binary). SOURCES_DIR is what fetch.py made.
"""
import glob
import gettext
import io
import os
import re
import subprocess
import sys
import tarfile
import zipfile

STR = r'"((?:[^"\\\n]|\\.)*)"'
STR1 = r"'((?:[^'\\\n]|\\.)*)'"
PY_LOG = r'\b(?:\w*log(?:ger|ging)?|LOG|\w*_logger|display)\.(?:debug|info|warning|warn|error|' \
    r'exception|critical|log|v+|display)\(\s*(?:logging\.\w+,\s*)?[rfbuRFBU]?'
PY_ERR = r'\b(?:raise\s+[\w.]+|warnings\.warn|[A-Z]\w*(?:Error|Exception|Warning))\(\s*[rfbuRFBU]?'
PATTERNS = {
    'go': [
        ('log', r'\b(?:klog|slog|zap|lg|l|log\.G\(\w+\)|level\.\w+\([\w.]+\)|'
                r'\w*[Ll]og(?:ger)?(?:\(\))?(?:\.V\(\d+\))?)\.'
                r'(?:Log|Print|Printf|Println|Trace|Debug|Info|Warn|Warning|Error|Fatal|Panic|'
                r'Notice|DPanic)(?:f|ln|w|S|Context|Depth)?\((?:[\w.()]+,\s*){0,2}(?:"msg",\s*)?'
                + STR),
        ('err', r'(?:errors\.(?:New|Errorf|Wrap|Wrapf)|fmt\.(?:Errorf|Sprintf|Fprintf|Printf)|'
                r'status\.(?:Errorf?|New)|\w*[Ee]rr(?:or)?f?)\((?:[\w.&*]+,\s*){0,2}' + STR),
    ],
    'rs': [
        ('log', r'\b(?:trace|debug|info|warn|error|log|event|span|info_span|debug_span)!\s*\('
                r'(?:[^"\n]{0,120}?)' + STR),
        ('err', r'(?:\b(?:panic|bail|anyhow|ensure|unreachable|write|writeln|format|eprintln|'
                r'println)!\s*\((?:[\w.&]+,\s*)?|#\[error\(|\.(?:expect|context|with_context)\('
                r'(?:\|\|\s*)?|Error::(?:new|custom|from)\((?:[\w:]+,\s*)?)' + STR),
    ],
    'py': [('log', PY_LOG + STR), ('log', PY_LOG + STR1), ('err', PY_ERR + STR),
           ('err', PY_ERR + STR1)],
    'java': [
        ('log', r'\b(?:log|LOG|logger|LOGGER|_log)\.(?:trace|debug|info|warn|error|fine|finer|'
                r'finest|severe|warning|log)\((?:[\w.]+,\s*)?' + STR),
        ('err', r'new\s+[\w.]*(?:Exception|Error)\(\s*' + STR),
    ],
}
PATTERNS['scala'] = [('log', r'\blog(?:Trace|Debug|Info|Warning|Error)\(\s*s?(?:log)?' + STR)] \
    + PATTERNS['java']
PATTERNS = {k: [(kind, re.compile(p)) for kind, p in v] for k, v in PATTERNS.items()}
JOIN = {'go': r'"\s*\+\s*"', 'java': r'"\s*\+\s*"', 'scala': r'"\s*\+\s*"',
        'py': r'"\s*\n\s*[rfbuRFBU]?"', 'rs': r'\\\n\s*'}
JOIN = {k: re.compile(v) for k, v in JOIN.items()}
SKIP = re.compile(r'(_test\.go|/tests?/|/testdata/|/test_|/examples?/|/benches/|/testing/|'
                  r'/docs?/|/fixtures?/|/locale/|/faker/)')
PRINTABLE = re.compile(rb'[\x20-\x7e\n\t]{6,400}')


def literals(lang, text):
    text = JOIN[lang].sub('', text)
    for kind, pattern in PATTERNS[lang]:
        for m in pattern.finditer(text):
            if len(m.group(1)) > 2:
                yield kind, m.group(1)


def clean(s):
    s = s.replace('\\n', ' ').replace('\\t', ' ').replace('\\"', '"').replace("\\'", "'")
    return re.sub(r'\s+', ' ', s).strip()


class Out:
    def __init__(self):
        self.rows = set()

    def emit(self, project, kind, s):
        s = clean(s)
        if 3 <= len(s) <= 600 and re.search('[A-Za-z]{2}', s):
            self.rows.add((project, kind, s))

    def source(self, project, name, data):
        lang = name.rsplit('.', 1)[-1]
        if lang in PATTERNS and not SKIP.search('/' + name):
            for kind, s in literals(lang, data.decode('utf-8', 'replace')):
                self.emit(project, kind, s)

    def tree(self, project, root):
        for folder, dirs, files in os.walk(root):
            dirs.sort()
            for f in sorted(files):
                path = os.path.join(folder, f)
                if f.rsplit('.', 1)[-1] in PATTERNS and not os.path.islink(path):
                    with open(path, 'rb') as fh:
                        self.source(project, path[len(root):], fh.read())

    def zip(self, project, path):
        with zipfile.ZipFile(path) as z:
            for n in sorted(z.namelist()):
                if n.rsplit('.', 1)[-1] in PATTERNS:
                    self.source(project, n, z.read(n))

    def mo(self, project, data):
        try:
            catalog = gettext.GNUTranslations(io.BytesIO(data))._catalog
        except Exception:
            return
        for k in catalog:
            s = k[0] if isinstance(k, tuple) else k
            if s:
                self.emit(project, 'mo', s.split('\x04')[-1])

    def elf(self, project, data):
        for m in PRINTABLE.finditer(data):
            s = m.group().decode()
            w = re.findall(r'[A-Za-z]{2,}', s)
            if len(w) >= 2 and ' ' in s.strip() and sum(map(len, w)) > 0.55 * len(s):
                self.emit(project, 'elf', s)

    def deb(self, project, path):
        raw = subprocess.run(['dpkg-deb', '--fsys-tarfile', path], capture_output=True, check=True)
        with tarfile.open(fileobj=io.BytesIO(raw.stdout)) as tf:
            for m in tf:
                if not m.isfile():
                    continue
                if m.name.endswith('.mo') and '/fr/' in m.name:
                    self.mo(project, tf.extractfile(m).read())
                elif 'bin/' in m.name or '/lib' in m.name:
                    data = tf.extractfile(m).read()
                    if data[:4] == b'\x7fELF':
                        self.elf(project, data)
                    else:
                        self.source(project, m.name, data)


def go_modules(root):
    for folder, dirs, _ in os.walk(root):
        dirs.sort()
        if folder == root and 'cache' in dirs:
            dirs.remove('cache')
        for d in [d for d in dirs if '@' in d]:
            dirs.remove(d)
            yield os.path.join(folder, d)


def main():
    src, target = sys.argv[1:3]
    out = Out()
    for path in sorted(glob.glob(f'{src}/pypi/*.whl')):
        name = os.path.basename(path).split('-')[0].lower()
        if name not in ('faker', 'spacy_lookups_data', 'symspellpy'):
            out.zip('py:' + name, path)
    out.tree('py:python', os.path.dirname(os.__file__) if len(sys.argv) < 4 else sys.argv[3])
    for path in sorted(glob.glob(f'{src}/maven/*-sources.jar')):
        out.zip('java:' + re.sub(r'-\d.*', '', os.path.basename(path)), path)
    for path in sorted(glob.glob(f'{src}/deb/*.deb')):
        name = os.path.basename(path).split('_')[0]
        if not name.startswith('r-cran'):
            out.deb('deb:' + name, path)
    for path in go_modules(f'{src}/go'):
        out.tree('go:' + os.path.relpath(path, f'{src}/go').split('@')[0], path)
    out.tree('go:std', f'{src}/gostd' if os.path.isdir(f'{src}/gostd') else '/usr/local/go/src')
    for path in sorted(glob.glob(f'{src}/crates/*')):
        out.tree('rs:' + re.sub(r'-\d.*', '', os.path.basename(path)), path)
    with open(target, 'w', encoding='utf-8') as f:
        for row in sorted(out.rows):
            f.write('\t'.join(row) + '\n')
    print(len(out.rows), 'literals')


main()

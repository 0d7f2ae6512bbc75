#!/usr/bin/env python3
"""Fetches the pinned sources of the lexicon: fetch.py SOURCES_DIR

Reads sources.json (written by `fetch.py --lock SOURCES_DIR` from what a folder holds) and uses the
registries' ordinary clients, so their own checks apply. A source that cannot be had is reported and
left out: the tables then differ, which the check of their digests in PROVENANCE.md shows.
"""
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
LOCK = f'{HERE}/sources.json'


def wheel_licence(path):
    with zipfile.ZipFile(path) as z:
        meta = [n for n in z.namelist() if re.fullmatch(r'[^/]+\.dist-info/METADATA', n)][0]
        text = z.read(meta).decode('utf-8', 'replace').split('\n\n')[0]
    for field in ('License-Expression', 'Classifier: License ::', 'License'):
        m = re.search(rf'^{field}:?\s*(.+)$', text, re.M)
        if m:
            return m[1].split('::')[-1].strip()[:60]
    return 'unknown'


def deb_licence(path):
    raw = subprocess.run(['dpkg-deb', '--fsys-tarfile', path], capture_output=True, check=True)
    with tarfile.open(fileobj=io.BytesIO(raw.stdout)) as tf:
        for m in tf:
            if m.isfile() and m.name.endswith('/copyright'):
                text = tf.extractfile(m).read().decode('utf-8', 'replace')
                names = re.findall(r'^License:[ \t]*(\S[^\n]{0,40})$', text, re.M)
                return ', '.join(sorted(set(names))[:6]) or 'debian/copyright'
    return 'debian/copyright'


KNOWN = [('Apache License', 'Apache-2.0'), ('Mozilla Public License', 'MPL-2.0'),
         ('MIT License', 'MIT'), ('Permission is hereby granted, free of charge', 'MIT'),
         ('Redistribution and use', 'BSD')]


def tree_licence(path):
    for f in sorted(os.listdir(path)):
        if f.upper().startswith(('LICENSE', 'COPYING')) and os.path.isfile(f'{path}/{f}'):
            with open(f'{path}/{f}', encoding='utf-8', errors='replace') as fh:
                text = re.sub(r'\s+', ' ', fh.read(4000))
            return next((name for words, name in KNOWN if words in text), 'see LICENSE')
    return 'licence of the parent module'


def crate_licence(path):
    with open(f'{path}/Cargo.toml', encoding='utf-8') as f:
        m = re.search(r'^license\s*=\s*"([^"]+)"', f.read(), re.M)
    return m[1] if m else 'licence file'


JARS = {'postgresql': 'BSD-2-Clause', 'logback-core': 'EPL-1.0 OR LGPL-2.1',
        'jetty-server': 'EPL-2.0 OR Apache-2.0'}


def lock(src):
    """Names, versions and licences of a sources folder."""
    found = {'pypi': [], 'deb': [], 'go': [], 'crates': [], 'maven': [], 'npm': []}
    for f in sorted(os.listdir(f'{src}/pypi')):
        name, version = f.split('-')[:2]
        found['pypi'].append([name, version, wheel_licence(f'{src}/pypi/{f}')])
    for f in sorted(os.listdir(f'{src}/deb')):
        name, version = f.split('_')[:2]
        found['deb'].append([name, version.replace('%3a', ':'), deb_licence(f'{src}/deb/{f}')])
    for folder, dirs, _ in os.walk(f'{src}/go'):
        dirs.sort()
        if folder == f'{src}/go' and 'cache' in dirs:
            dirs.remove('cache')
        for d in [d for d in dirs if '@' in d]:
            dirs.remove(d)
            path = os.path.relpath(os.path.join(folder, d), f'{src}/go')
            path = re.sub(r'!([a-z])', lambda m: m[1].upper(), path)
            found['go'].append(path.split('@') + [tree_licence(os.path.join(folder, d))])
    for f in sorted(os.listdir(f'{src}/crates')):
        name, version = re.fullmatch(r'(.*?)-(\d.*)', f).groups()
        found['crates'].append([name, version, crate_licence(f'{src}/crates/{f}')])
    for f in sorted(os.listdir(f'{src}/maven')):
        name, version = re.fullmatch(r'(.*?)-(\d.*)-sources\.jar', f).groups()
        found['maven'].append([name, version, JARS.get(name, 'Apache-2.0')])
    for f in sorted(os.listdir(f'{src}/npm')):
        name, version = re.fullmatch(r'(.*?)-(\d.*)\.tgz', f).groups()
        found['npm'].append([name, version, 'MIT' if 'etalab' in name else
                             'Apache-2.0 (texts: Licence Ouverte 2.0)'])
    with open(LOCK, 'w', encoding='utf-8') as f:
        f.write('{\n')
        for i, (kind, rows) in enumerate(found.items()):
            text = ',\n  '.join(json.dumps(r) for r in rows)
            f.write(f' {json.dumps(kind)}: [\n  {text}\n ]{"," if i < 5 else ""}\n')
        f.write('}\n')


def run(*command, **options):
    if subprocess.run(command, stdout=subprocess.DEVNULL, **options).returncode:
        print('not fetched:', command[-1])


def fetch(src):
    with open(LOCK, encoding='utf-8') as f:
        sources = json.load(f)
    for kind in sources:
        os.makedirs(f'{src}/{kind}', exist_ok=True)
    for name, version, _ in sources['pypi']:
        run('pip', 'download', '-q', '--no-deps', '--only-binary=:all:', '-d', f'{src}/pypi',
            f'{name}=={version}')
    for name, version, _ in sources['deb']:
        run('apt-get', 'download', '-q', f'{name}={version}', cwd=f'{src}/deb')
    for module, version, _ in sources['go']:
        run('go', 'mod', 'download', f'{module}@{version}',
            env=dict(os.environ, GOMODCACHE=f'{src}/go', GOFLAGS='-mod=mod'))
    scopes = {'socialgouv': '@socialgouv/', 'etalab': '@etalab/'}
    for name, version, _ in sources['npm']:
        scope, rest = name.split('-', 1)
        run('npm', 'pack', f'{scopes[scope]}{rest}@{version}', cwd=f'{src}/npm')
    print('crates and maven sources: unpack the versions of sources.json into',
          f'{src}/crates and {src}/maven (cargo fetch; dependency:get with classifier sources)')


if __name__ == '__main__':
    lock(sys.argv[2]) if sys.argv[1] == '--lock' else fetch(sys.argv[1])

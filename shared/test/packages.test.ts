/** The lockfile, as a fresh clone on any machine will use it. */
import { readFileSync } from 'node:fs';
import { satisfies } from 'semver';
import { describe, expect, it } from 'vitest';

interface LockedPackage {
  readonly version?: string;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly engines?: { readonly node?: string };
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** The oldest Node that has to run everything. */
const OLDEST_NODE = '20.19.0';
const lock = JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8')) as {
  readonly packages: Readonly<Record<string, LockedPackage>>;
};
const packages = Object.entries(lock.packages);

describe('the lockfile', () => {
  it('holds no package that asks for a newer Node than we promise', () => {
    const tooNew = packages.filter(
      ([, { engines }]) => engines?.node !== undefined && !satisfies(OLDEST_NODE, engines.node),
    );
    expect(tooNew.map(([path, { version, engines }]) => `${path} ${version} ${engines?.node}`)).toEqual([]);
  });

  it('holds the packages of every platform, without which npm ci refuses it', () => {
    const names = new Set(
      packages.map(([path]) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)),
    );
    const missing = packages.flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies)
        .filter((name) => !names.has(name))
        .map((name) => `${path}: ${name}`),
    );
    expect(missing).toEqual([]);
  });

  it('names no address of a registry', () => {
    expect(
      packages.filter(([, { resolved = '' }]) => /^https?:/.test(resolved)).map(([path]) => path),
    ).toEqual([]);
  });

  it('pins what the workspaces depend on to one version', () => {
    const loose = packages
      .filter(([path]) => !path.includes('node_modules'))
      .flatMap(([path, { dependencies = {} }]) =>
        Object.entries(dependencies).map(([name, range]) => `${path} ${name}@${range}`),
      )
      .filter((entry) => !/@\d+\.\d+\.\d+[\w.-]*$/.test(entry));
    expect(loose).toEqual([]);
  });
});

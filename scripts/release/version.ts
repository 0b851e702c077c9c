import { readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'

export const root = resolve(import.meta.dirname, '../..')

const workspaces = ['contract', 'operator', 'api-server', 'cli', 'docs/server/client']

/** Other files that contain the version of package.json. Each pattern matches only the version itself. */
const places: readonly { file: string; pattern: RegExp }[] = [
  {
    file: 'package-lock.json',
    pattern: /(?<="name": "(?:authservice-operator|@authservice-operator\/[\w-]+)",\n *"version": ")[^"]+/g,
  },
  { file: 'package-lock.json', pattern: /(?<="@authservice-operator\/[\w-]+": ")[^"]+/g },
  ...workspaces.flatMap((workspace) => [
    { file: `${workspace}/package.json`, pattern: /(?<=^ {2}"version": ")[^"]+/gm },
    { file: `${workspace}/package.json`, pattern: /(?<="@authservice-operator\/[\w-]+": ")[^"]+/g },
  ]),
  { file: 'Dockerfile.api', pattern: /(?<=^ARG VERSION=).+/gm },
  { file: 'Dockerfile.operator', pattern: /(?<=^ARG VERSION=).+/gm },
  { file: 'manifests/base/kustomization.yaml', pattern: /(?<=newTag: ).+/g },
  { file: 'manifests/base/deployment.yaml', pattern: /(?<=RELATED_IMAGE_API_SERVER, value: "[^":]+:)[^"]+/g },
  { file: 'charts/authservice-operator-crds/Chart.yaml', pattern: /(?<=^(?:version|appVersion): ).+/gm },
  { file: 'charts/authservice-operator/Chart.yaml', pattern: /(?<=^ *(?:version|appVersion): ).+/gm },
  ...['docs/install.md', 'docs/operate.md', 'docs/plugin.md', 'docs/release.md'].map((file) => ({
    file,
    pattern:
      /(?<=\b(?:api-server|operator):|IMAGE:|newTag: |[Vv]ersion |\/download\/v|\/tags\/v|authservice_v)\d+\.\d+\.\d+(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?/g,
  })),
]

/** The version of the project: that of the package.json in the root. */
export async function projectVersion(directory = root): Promise<string> {
  // npm refuses a package.json without a version.
  const { version } = JSON.parse(await readFile(join(directory, 'package.json'), 'utf8')) as { version: string }
  return version
}

/** Every version that is written outside of the package.json in the root, with its file. */
export async function writtenVersions(directory = root): Promise<{ file: string; version: string }[]> {
  const found = places.map(async ({ file, pattern }) => {
    const text = await readFile(join(directory, file), 'utf8')
    return [...text.matchAll(pattern)].map(([version]) => ({ file, version }))
  })
  return (await Promise.all(found)).flat()
}

/**
 * Writes a new version into package.json and every other place. Run `npm run generate` afterwards.
 * @throws when it is no semantic version
 */
export async function setVersion(version: string, directory = root): Promise<void> {
  assertVersion(version)
  const inRoot = { file: 'package.json', pattern: /(?<=^ {2}"version": ")[^"]+/m }
  for (const { file, pattern } of [inRoot, ...places]) {
    const path = join(directory, file)
    await writeFile(path, (await readFile(path, 'utf8')).replace(pattern, version))
  }
}

/** @throws when it is no semantic version without build metadata, which an image tag cannot have */
export function assertVersion(version: string): void {
  const semantic = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$/
  if (!semantic.test(version)) {
    throw new Error(`"${version}" is not a version such as 0.2.0 or 1.0.0-rc.1 (https://semver.org).`)
  }
}

import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import manifest from '../../package.json' with { type: 'json' }
import type { Archive } from '../../scripts/release/archives.ts'
import { allPlatforms, hostPlatform, type Platform } from '../../scripts/release/node-binaries.ts'
import { krewManifestName, releasePlugin } from '../../scripts/release/plugin.ts'
import { checker } from '../../tools/checkers/go-checkers.ts'
import { StepLog } from '../../tools/programs/step-log.ts'
import { codeDirectoryOf, digestsOfPages } from './macho.ts'

const { version } = manifest
let directory: string
let archives: Archive[]

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'authservice-release-'))
  const log = new StepLog(join(directory, 'build.log'))
  archives = await releasePlugin(directory, { version, baseUrl: 'https://example.com/download' }, log)
}, 600_000)
afterAll(() => rm(directory, { recursive: true }))

function archiveOf(platform: Platform): string {
  const found = archives.find((archive) => archive.platform === platform)
  return join(directory, found?.file ?? '')
}

describe('a release of the plug-in', () => {
  test('has one archive for each platform, with the digest that the manifest names', async () => {
    const { spec } = parse(await readFile(join(directory, krewManifestName), 'utf8'))
    expect(spec.platforms).toHaveLength(allPlatforms.length)
    for (const { uri, sha256 } of spec.platforms) {
      const content = await readFile(join(directory, uri.split('/').at(-1)))
      expect(createHash('sha256').update(content).digest('hex'), uri).toBe(sha256)
    }
  })

  test.each(allPlatforms)(
    'the archive for %s has the executable, its license and those of its parts',
    async (platform) => {
      const archive = archiveOf(platform)
      const listing = archive.endsWith('.zip')
        ? await execa('python3', ['-m', 'zipfile', '--list', archive])
        : await execa('tar', ['-tf', archive])
      const names = platform === 'windows/amd64' ? 'kubectl-authservice.exe' : 'kubectl-authservice'
      for (const name of [names, 'LICENSE', 'THIRD_PARTY_LICENSES']) expect(listing.stdout).toContain(name)
      const licenses = await readFile(join(directory, platform.replace('/', '-'), 'THIRD_PARTY_LICENSES'), 'utf8')
      expect(licenses).toMatch(/^Node\.js\n/)
      expect(licenses).toMatch(/^commander\n\n[\s\S]*TJ Holowaychuk/m)
    },
  )

  test.each([
    ['linux/amd64', /^7f454c460201/, 18, 0x3e],
    ['linux/arm64', /^7f454c460201/, 18, 0xb7],
    ['darwin/amd64', /^cffaedfe/, 4, 0x01000007],
    ['darwin/arm64', /^cffaedfe/, 4, 0x0100000c],
    ['windows/amd64', /^4d5a/, undefined, 0x8664],
  ] as const)('the file for %s is an executable of that platform', async (platform, magic, at, machine) => {
    const name = platform === 'windows/amd64' ? 'kubectl-authservice.exe' : 'kubectl-authservice'
    const content = await readFile(join(directory, platform.replace('/', '-'), name))
    expect(content.subarray(0, 6).toString('hex')).toMatch(magic)
    // The header of a PE file is where its first header says, and begins with PE\0\0.
    const position = at ?? content.readUInt32LE(0x3c) + 4
    expect(platform.startsWith('darwin') ? content.readUInt32LE(position) : content.readUInt16LE(position)).toBe(
      machine,
    )
    expect(content.includes(`kubectl-authservice`)).toBe(true)
  })

  test.each(['darwin/amd64', 'darwin/arm64'] as const)(
    'the file for %s has an ad-hoc signature with the digest of every page, as macOS checks it',
    async (platform) => {
      const content = await readFile(join(directory, platform.replace('/', '-'), 'kubectl-authservice'))
      const signed = codeDirectoryOf(content)
      expect(signed).toMatchObject({ isAdHoc: true, identifier: 'kubectl-authservice' })
      expect(signed.digests.length).toBeGreaterThan(30_000)
      expect(signed.digests).toEqual(digestsOfPages(content, signed))
      const changed = Buffer.from(content)
      changed[changed.length >> 1] = (changed[changed.length >> 1] ?? 0) ^ 1
      expect(signed.digests, 'the check sees a changed byte').not.toEqual(digestsOfPages(changed, signed))
    },
  )

  test('krew installs the archive of this machine, and the plug-in runs', async () => {
    const krewRoot = join(directory, 'krew')
    const install = [
      'install',
      `--manifest=${join(directory, krewManifestName)}`,
      `--archive=${archiveOf(hostPlatform())}`,
    ]
    const { all } = await execa(await checker('krew'), install, { env: { KREW_ROOT: krewRoot }, all: true })
    expect(all).toContain('Installed plugin: authservice')
    const { stdout } = await execa(join(krewRoot, 'bin/kubectl-authservice'), ['version'], { extendEnv: false })
    expect(stdout).toBe(`kubectl-authservice ${version}`)
  }, 300_000)
})

import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { archiveName } from './archives.ts'
import { krewManifest } from './krew.ts'
import { allPlatforms, nodeLicense, partsOf } from './node-binaries.ts'

const version = '1.2.3'
const archives = allPlatforms.map((platform) => ({
  platform,
  file: archiveName(version, platform),
  sha256: platform.length.toString(16).repeat(64).slice(0, 64),
}))
const manifest = parse(krewManifest({ version, baseUrl: 'https://example.com/v1.2.3', archives }))

test('the manifest has what krew demands: a version with v, a short description, one archive a platform', () => {
  expect(manifest).toMatchObject({
    apiVersion: 'krew.googlecontainertools.github.com/v1alpha2',
    kind: 'Plugin',
    metadata: { name: 'authservice' },
    spec: { version: 'v1.2.3' },
  })
  // The guide of krew: at most 50 characters, without a full stop.
  expect(manifest.spec.shortDescription).toMatch(/^[^.]{1,50}$/)
  const selectors = manifest.spec.platforms.map(({ selector }: { selector: object }) => JSON.stringify(selector))
  expect(new Set(selectors).size).toBe(allPlatforms.length)
})

test.each(archives)('$platform downloads the archive of the release and runs the file that is in it', (archive) => {
  const found = manifest.spec.platforms.filter(({ uri }: { uri: string }) => uri.endsWith(archive.file))
  expect(found).toEqual([
    {
      selector: { matchLabels: partsOf(archive.platform) },
      uri: `https://example.com/v1.2.3/${archive.file}`,
      sha256: archive.sha256,
      bin: archive.platform === 'windows/amd64' ? 'kubectl-authservice.exe' : 'kubectl-authservice',
      files: expect.arrayContaining([
        { from: found[0].bin, to: '.' },
        { from: 'LICENSE', to: '.' },
      ]),
    },
  ])
  expect(archive.file).toMatch(archive.platform === 'windows/amd64' ? /_windows_amd64\.zip$/ : /\.tar\.gz$/)
})

test('the license of the Node in the executables is there', async () => {
  expect(await readFile(nodeLicense, 'utf8')).toMatch(/Node\.js is licensed for use as follows/)
})

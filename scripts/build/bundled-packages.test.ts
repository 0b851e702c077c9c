import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { copyBundledPackages, packagesOf } from './bundled-packages.ts'

const workspace = resolve(import.meta.dirname, '../../api-server')

test('a package counts once, and one inside of another counts for itself', () => {
  const inputs = [
    'server.ts',
    '../node_modules/fastify/lib/route.js',
    '../node_modules/fastify/fastify.js',
    '../node_modules/@fastify/cors/index.js',
    '../node_modules/a/node_modules/@b/c/index.js',
  ]
  expect(packagesOf(inputs)).toEqual([
    '../node_modules/@fastify/cors',
    '../node_modules/a/node_modules/@b/c',
    '../node_modules/fastify',
  ])
})

test('the image tells scanners which packages a bundle contains, and keeps their licenses', async () => {
  const destination = await mkdtemp(join(tmpdir(), 'authservice-bundled-'))
  try {
    await copyBundledPackages(['server.ts', '../node_modules/fastify/fastify.js'], workspace, destination)
    const fastify = join(destination, 'node_modules/fastify')
    const { dependencies } = JSON.parse(await readFile(resolve(workspace, 'package.json'), 'utf8'))
    expect(JSON.parse(await readFile(join(fastify, 'package.json'), 'utf8'))).toEqual({
      name: 'fastify',
      version: dependencies.fastify,
      license: 'MIT',
    })
    expect(await readdir(fastify)).toEqual(['LICENSE', 'package.json'])
  } finally {
    await rm(destination, { recursive: true })
  }
})

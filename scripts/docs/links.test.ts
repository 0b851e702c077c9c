import { existsSync, globSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { anchorsOf, linksOf } from './links.ts'

const root = resolve(import.meta.dirname, '../..')

const pages = globSync(['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'docs/**/*.md'], {
  cwd: root,
  exclude: ['**/node_modules/**'],
})
const textOf = (page: string) => readFile(join(root, page), 'utf8')

describe('links', () => {
  test('there are pages to check', () => {
    expect(pages).toContain('README.md')
    expect(pages).toContain(join('docs', 'architecture.md'))
  })

  test.each(pages)('every link of %s has a target', async (page) => {
    const broken: string[] = []
    for (const { path, anchor } of linksOf(await textOf(page))) {
      const target = path === '' ? page : relative(root, resolve(root, dirname(page), path))
      if (!existsSync(join(root, target))) broken.push(`${path}: there is no ${target}`)
      else if (anchor !== '' && !(await hasAnchor(target, anchor))) broken.push(`${path}#${anchor}: no such heading`)
    }
    expect(broken).toEqual([])
  })
})

async function hasAnchor(target: string, anchor: string): Promise<boolean> {
  if (statSync(join(root, target)).isDirectory()) return false
  return anchorsOf(await textOf(target)).has(anchor)
}

describe('anchors', () => {
  test('are derived from headings in the same way as on GitHub', () => {
    const page = '# What `npm run dev` does\n## Again\n## Again\n```sh\n# no heading\n```\n### `spec.mongodb`\n'
    expect([...anchorsOf(page)]).toEqual(['what-npm-run-dev-does', 'again', 'again-1', 'specmongodb'])
  })
})

describe('relative links', () => {
  test('are found, except links to other sites, in code or in fences', () => {
    const page =
      '[a](x.md) [b](x.md#y "title") [c](#z) ![d](e.png) [f](https://example.com) `[g](h)`\n```md\n[i](j.md)\n```\n'
    expect(linksOf(page)).toEqual([
      { path: 'x.md', anchor: '' },
      { path: 'x.md', anchor: 'y' },
      { path: '', anchor: 'z' },
      { path: 'e.png', anchor: '' },
    ])
  })
})

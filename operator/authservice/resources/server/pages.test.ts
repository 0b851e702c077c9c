import { expect, test } from 'vitest'
import { parsePagesFile } from '../../../../contract/pages-file.ts'
import { managed } from '../../../../test/unit/spec-fields/expectations.ts'
import { resolveSpec } from '../../api/defaults.ts'
import type { AuthServiceSpec } from '../../api/schema.ts'
import type { RenderInput } from '../render-input.ts'
import { renderPages } from './pages.ts'

const metadata = { name: 'accounts', namespace: 'team-a' }

function pagesOf(spec: Partial<AuthServiceSpec>) {
  const resolved = resolveSpec({ metadata, spec: { ...managed, ...spec } })
  // Rendering the pages reads nothing else.
  const [child] = renderPages({ owner: { ...metadata, uid: 'uid' }, resolved } as unknown as RenderInput)
  const data = child?.['data'] as Record<string, string> | undefined // that of a ConfigMap
  return data?.['pages.json']
}

test('every OpenID provider has a file of pages, and no other server has one', () => {
  expect(pagesOf({})).toBeUndefined()
  expect(pagesOf({ oidc: { enabled: true } })).toBe('{}')
})

test('servers can use the file of every spec: a colour that is hard to read is left out', () => {
  const pages = { name: 'Acme', colors: { light: '#ffff00', dark: '#5eead4' } }
  const text = pagesOf({ oidc: { enabled: true }, pages }) ?? ''
  expect(parsePagesFile(text, new Map())).toEqual({
    kind: 'valid',
    file: { name: 'Acme', colors: { dark: '#5eead4' } },
  })
})

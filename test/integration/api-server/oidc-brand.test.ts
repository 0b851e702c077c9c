import { mkdtemp, rename, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { PagesFile } from '../../../contract/pages-file.ts'
import { startApp } from './app-for-test.ts'
import { oidcFiles, shop } from './oidc-client.ts'

const brand: PagesFile = {
  name: 'Acme & <Co>',
  logo: { light: 'data:image/png;base64,iVBORw0KGgo=' },
  colors: { light: '#0f766e' },
  links: { privacy: 'https://example.com/privacy?a=1&b=2' },
  languages: ['de', 'fr'],
  texts: { de: { 'device.title': 'Fernseher <b>verbinden</b>' } },
}

/** A server whose pages follow a file. @param first its content at the start */
async function startWith(first: string) {
  const file = join(await mkdtemp(join(tmpdir(), 'pages-')), 'pages.json')
  const write = async (text: string) => {
    await writeFile(`${file}.new`, text)
    await rename(`${file}.new`, file)
  }
  await write(first)
  const { environment } = await oidcFiles([shop])
  const server = await startApp({ ...environment, PAGES_FILE: file })
  onTestFinished(() => server.close())
  const open = (headers = {}) => server.app.inject({ url: '/oauth/device', headers })
  return { server, write, open }
}

test('the pages have the brand of the file, in its languages only, and every value is escaped', async () => {
  const { server, open } = await startWith(JSON.stringify(brand))
  const { body, headers } = await open({ 'accept-language': 'en' })
  expect(body).toContain('<html lang="de" dir="ltr">')
  expect(body).toContain('<title>Fernseher &#60;b&#62;verbinden&#60;/b&#62; – Acme &#38; &#60;Co&#62;</title>')
  expect(body).toContain('alt="Acme &#38; &#60;Co&#62;"')
  expect(body).toContain('--accent:#0f766e')
  expect(body).toContain('Datenschutz</a>')
  expect(body).not.toContain('English')
  expect(body).not.toContain('<script')
  const policy = String(headers['content-security-policy'])
  expect(policy).toContain("default-src 'none'")
  expect(policy).not.toContain('example.com')
  const refused = await server.app.inject({ url: '/oauth/language?language=en&to=/oauth/device' })
  expect(refused.statusCode).toBe(404)
})

test('another brand is shown without a restart, and an unusable file changes nothing', async () => {
  const { server, write, open } = await startWith(JSON.stringify(brand))
  const logged: string[] = []
  const { error } = server.app.log
  server.app.log.error = (content: unknown) => logged.push(JSON.stringify(content))
  onTestFinished(() => {
    server.app.log.error = error
  })
  await write(JSON.stringify({ ...brand, colors: { light: '#5eead4' } }))
  await expect.poll(() => logged.join()).toMatch(/pages.json cannot be used: \/colors\/light: #5eead4 is hard to read/)
  expect((await open()).body).toContain('--accent:#0f766e')
  await write(JSON.stringify({ ...brand, name: 'Other' }))
  await expect.poll(async () => (await open()).body).toContain('Other</title>')
})

test('a server that starts with an unusable file has the plain pages', async () => {
  const { write, open } = await startWith('{"texts":{"en":{"login.titel":"Hi"}}}')
  expect((await open()).body).toContain('<title>Connect a device</title>')
  await write('{"name":"Acme"}')
  await expect.poll(async () => (await open()).body).toContain('Connect a device – Acme</title>')
})

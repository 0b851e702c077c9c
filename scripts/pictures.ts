import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type Browser, chromium } from 'playwright-core'
import type { PageLanguage } from '../contract/pages-file.ts'
import { chromiumPath } from '../tools/local-servers/binaries.ts'
import { sampleContext, samplePages, shortName } from './pictures/sample-pages.ts'

/** Usage: npm run pictures. Makes the pictures of docs/pages.md with the Chromium of this machine. */
const folder = resolve(import.meta.dirname, '../docs/pictures')

interface Picture {
  file: string
  page: string
  language: PageLanguage
  scheme: 'light' | 'dark'
  width: number
  height: number
}

const pictures: readonly Picture[] = [
  { file: 'login.png', page: 'login', language: 'en', scheme: 'light', width: 720, height: 860 },
  { file: 'login-dark.png', page: 'login-problem', language: 'en', scheme: 'dark', width: 375, height: 960 },
  { file: 'consent-arabic.png', page: 'consent', language: 'ar', scheme: 'light', width: 375, height: 740 },
]

async function take(browser: Browser, { file, page: name, language, scheme, width, height }: Picture): Promise<void> {
  const page = await browser.newPage({ colorScheme: scheme, viewport: { width, height } })
  const html = samplePages(sampleContext(language), shortName)[name]
  if (html === undefined) throw new Error(`there is no page ${name}`)
  await page.setContent(html)
  await page.screenshot({ path: join(folder, file) })
  await page.close()
  console.log(`Wrote docs/pictures/${file}.`)
}

await mkdir(folder, { recursive: true })
const browser = await chromium.launch({
  executablePath: await chromiumPath(),
  // Chromium has no sandbox where it runs as root, as in a container.
  args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
})
try {
  for (const picture of pictures) await take(browser, picture)
} finally {
  await browser.close()
}

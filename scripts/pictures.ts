import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import type { PageLanguage } from '../contract/pages-file.ts'
import { chromiumPath } from '../tools/local-servers/binaries.ts'
import { palettePng } from './pictures/palette-png.ts'
import { picturedPages, sampleContext, samplePages, shortName } from './pictures/sample-pages.ts'

/** Usage: npm run pictures. Makes the pictures of docs/pages.md with the Chromium of this machine. */
const folder = resolve(import.meta.dirname, '../docs/pictures')

interface Look {
  language: PageLanguage
  scheme: 'light' | 'dark'
  /** Of the window, in CSS pixels. */
  width: number
}

const plain: Look = { language: 'en', scheme: 'light', width: 480 }
const phone: Look = { ...plain, width: 360 }

/** The page at the top of docs/pages.md, and beside it. */
const single: readonly { file: string; name: string; look: Look }[] = [
  { file: 'login.png', name: 'login', look: { ...plain, width: 720 } },
  { file: 'login-dark.png', name: 'login-problem', look: { ...phone, scheme: 'dark' } },
  { file: 'consent-arabic.png', name: 'consent', look: { ...phone, language: 'ar' } },
]

/** Several pages in one picture, reduced in size. */
const sheets: readonly { file: string; look: Look }[] = [
  { file: 'sheet-dark.png', look: { ...plain, scheme: 'dark' } },
  { file: 'sheet-phone.png', look: { ...phone, width: 320 } },
  { file: 'sheet-arabic.png', look: { ...plain, language: 'ar' } },
]
const onSheets = ['login', 'register', 'code', 'totp', 'profile', 'factors', 'identities', 'sessions']
const thumbnail = { width: 180, height: 300 }

const maxColors = { page: 64, sheet: 32 }

/** Takes a picture of a sample page, of its whole height. */
async function pictureOf(browser: Browser, name: string, { language, scheme, width }: Look): Promise<Buffer> {
  const html = samplePages(sampleContext(language), shortName)[name]
  if (html === undefined) throw new Error(`there is no page ${name}`)
  return screenshotOf(browser, html, { scheme, width })
}

async function screenshotOf(
  browser: Browser,
  html: string,
  { scheme, width }: Pick<Look, 'scheme' | 'width'>,
): Promise<Buffer> {
  const page = await browser.newPage({ colorScheme: scheme, viewport: { width, height: 200 } })
  await page.setContent(html)
  // As the script of passkeys does.
  await page.evaluate('for (const form of document.forms) form.hidden = false')
  const picture = await page.screenshot({ fullPage: true })
  await page.close()
  return picture
}

/** Pages beside each other, of which only the beginning is shown. */
async function sheetOf(browser: Browser, look: Look): Promise<Buffer> {
  const pictures: Buffer[] = []
  for (const name of onSheets) pictures.push(await pictureOf(browser, name, look))
  const { width, height } = thumbnail
  const images = pictures.map((picture) => `<div><img src="${dataUri(picture)}"></div>`)
  const style = `body{margin:0;display:flex;flex-wrap:wrap;gap:8px;padding:8px;background:#888}
    div{width:${width}px;height:${height}px;overflow:hidden}img{width:100%}`
  const inRow = onSheets.length / 2
  return screenshotOf(browser, `<style>${style}</style>${images.join('')}`, {
    scheme: 'light',
    width: inRow * (width + 8) + 8,
  })
}

/** Writes a picture with few colours. */
async function write(page: Page, file: string, picture: Buffer, colors: number): Promise<void> {
  const { width, height, base64 }: { width: number; height: number; base64: string } =
    await page.evaluate(`(async () => {
    const image = new Image()
    image.src = '${dataUri(picture)}'
    await image.decode()
    const { width, height } = image
    const canvas = Object.assign(document.createElement('canvas'), { width, height }).getContext('2d')
    canvas.drawImage(image, 0, 0)
    return { width, height, base64: new Uint8Array(canvas.getImageData(0, 0, width, height).data).toBase64() }
  })()`)
  const png = palettePng({ width, height, rgba: Buffer.from(base64, 'base64') }, colors)
  await writeFile(join(folder, file), png)
  console.log(`Wrote docs/pictures/${file}, ${Math.ceil(png.length / 1024)} KiB.`)
}

function dataUri(picture: Buffer): string {
  return `data:image/png;base64,${picture.toString('base64')}`
}

await rm(folder, { recursive: true, force: true })
await mkdir(join(folder, 'pages'), { recursive: true })
const browser = await chromium.launch({
  executablePath: await chromiumPath(),
  // Chromium has no sandbox where it runs as root, as in a container.
  args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
})
try {
  const reader = await browser.newPage()
  for (const { file, name, look } of single) {
    await write(reader, file, await pictureOf(browser, name, look), maxColors.page)
  }
  for (const name of picturedPages()) {
    await write(reader, `pages/${name}.png`, await pictureOf(browser, name, plain), maxColors.page)
  }
  for (const { file, look } of sheets) await write(reader, file, await sheetOf(browser, look), maxColors.sheet)
} finally {
  await browser.close()
}

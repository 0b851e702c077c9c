import { source as axe } from 'axe-core'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { plainBrand } from '../../api-server/pages/brand.ts'
import { pageLanguages } from '../../contract/pages-file.ts'
import { longNames, sampleBrand, sampleContext, samplePages, shortName } from '../../scripts/pictures/sample-pages.ts'
import { launchChromium } from './passkey-page.ts'

let browser: Browser

beforeAll(async () => {
  browser = await launchChromium()
})
afterAll(() => browser?.close())

const sizes = { mobile: { width: 320, height: 640 }, desktop: { width: 1280, height: 800 } }
const looks = (['light', 'dark'] as const).flatMap((scheme) =>
  (['mobile', 'desktop'] as const).map((size) => ({ scheme, size })),
)

interface Violation {
  id: string
  nodes: { html: string; failureSummary?: string }[]
}

/** What axe finds on a page by the rules of WCAG 2.2 AA, and its recommendations. */
async function violationsOf(page: Page): Promise<string[]> {
  await page.evaluate(axe)
  const found: Violation[] = await page.evaluate(
    `axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
      .then(({ violations }) => violations)`,
  )
  return found.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`))
}

/** Text that leaves the window, and targets of less than 24 by 24 CSS pixels. WCAG 2.2, 1.4.10 and 2.5.8. */
async function misplacedOn(page: Page): Promise<string[]> {
  return page.evaluate(`[
    ...(document.documentElement.scrollWidth > innerWidth ? ['the page scrolls sideways'] : []),
    ...[...document.querySelectorAll('button, input:not([type=hidden]), footer a, summary')]
      .filter((each) => each.checkVisibility() && each.getBoundingClientRect().height < 40)
      .map((each) => each.outerHTML),
  ]`)
}

test('a page without a label and with small, pale text has violations, so that the others are looked at', async () => {
  const page = await browser.newPage({ viewport: sizes.mobile })
  await page.setContent(
    '<html lang="en"><title>x</title><main><input><p style="color:#aaa">pale</p><a href="/">a</a><a href="/">b</a>',
  )
  const found = (await violationsOf(page)).join()
  for (const rule of ['label:', 'color-contrast:', 'target-size:']) expect(found).toContain(rule)
  await page.close()
})

test.each(pageLanguages.flatMap((language) => looks.map((look) => ({ language, ...look }))))(
  'no page in $language, $scheme, on $size has a violation',
  async ({ language, scheme, size }) => {
    const context = await browser.newContext({ colorScheme: scheme, viewport: sizes[size], bypassCSP: true })
    const page = await context.newPage()
    // Each look gets other content, so that all of it is seen in both schemes and sizes.
    const clients = scheme === 'light' ? [shortName, longNames[0]] : [longNames[1]]
    const brand = size === 'mobile' ? sampleBrand : plainBrand
    try {
      for (const client of clients) {
        const pages = samplePages(sampleContext(language, brand), client ?? shortName)
        for (const [name, html] of Object.entries(pages)) {
          await page.setContent(html)
          // As the script of passkeys does.
          await page.evaluate('for (const form of document.forms) form.hidden = false')
          for (const summary of await page.locator('summary').all()) await summary.click()
          expect(await violationsOf(page), `${name} for ${client}`).toEqual([])
          expect(await misplacedOn(page), `${name} for ${client}`).toEqual([])
        }
      }
    } finally {
      await context.close()
    }
  },
)

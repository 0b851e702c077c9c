import { type Browser, type CDPSession, chromium, type Page } from 'playwright-core'
import { chromiumPath } from '../../tools/local-servers/binaries.ts'
import { documentedBlocks } from '../documentation/blocks.ts'

/** @see https://chromedevtools.github.io/devtools-protocol/tot/WebAuthn/ */
interface VirtualAuthenticator {
  transport: 'usb' | 'internal'
  hasResidentKey: boolean
  hasUserVerification: boolean
}

/** The page that tests of passkeys open. */
export const passkeyPage =
  '<!doctype html><title>Passkeys</title><h1>Passkeys</h1><pre id="log" style="white-space: pre-wrap; overflow-wrap: anywhere"></pre>'

export async function launchChromium(...flags: string[]): Promise<Browser> {
  return chromium.launch({
    executablePath: await chromiumPath(),
    // Chromium has no sandbox where tests run as root, as in a container.
    args: [...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), ...flags],
  })
}

/** The code of docs/server/passkeys.md, for a server at another address. */
export function documentedCode(api: string): string {
  const block = documentedBlocks().find(({ page, language }) => page === 'docs/server/passkeys.md' && language === 'js')
  if (block?.text.includes("'https://auth.example.com'") !== true) throw new Error('the page has no code')
  return block.text.replace("'https://auth.example.com'", `'${api}'`)
}

/** A device with a fingerprint reader, unless `more` says otherwise. */
export async function addAuthenticator(session: CDPSession, more: Partial<VirtualAuthenticator> = {}): Promise<string> {
  const { authenticatorId } = await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
      ...more,
    },
  })
  return authenticatorId
}

/** A value as text in an expression. */
export const text = (value: unknown) => JSON.stringify(String(value))

/** What the code of the page returns, or the `code` or name of its error. */
type Outcome = Record<string, unknown> & { error?: string }

/** Runs an expression of the documented code. */
export async function runOn(page: Page, expression: string): Promise<Outcome> {
  // A DOMException has a number as its `code`.
  const failure = "({ error: typeof error.code === 'string' ? error.code : error.name, detail: error.message })"
  const outcome = await page.evaluate(
    `(async () => { try { return await (${expression}) } catch (error) { return ${failure} } })()`,
  )
  // Any JSON object.
  const shown = outcome as Outcome
  // For whoever watches, or looks at a screenshot.
  const what = expression.slice(0, expression.indexOf('('))
  await page.evaluate(`document.querySelector('pre').append(${text(`${what}: ${JSON.stringify(shown, null, 2)}\n`)})`)
  return shown
}

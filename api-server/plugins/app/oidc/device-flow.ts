import type { Configuration, KoaContextWithOIDC } from 'oidc-provider'
import { deviceCodePage, deviceConfirmPage, deviceDonePage } from '../../../pages/device.ts'
import { pageHeaders } from '../../../pages/layout.ts'

/** Descriptions of the library for a form that came without the cookie and the secret of its page. */
const formFaults: ReadonlySet<string> = new Set(['could not find device form details', 'xsrf token invalid'])

/** The pages on which a user connects a device. RFC 8628 section 3.3. */
export const deviceFlow: NonNullable<NonNullable<Configuration['features']>['deviceFlow']> = {
  enabled: true,
  // 25,000 million codes of consonants.
  charset: 'base-20',
  mask: '****-****',
  userCodeInputSource(ctx, _form, out, err) {
    if (formFaults.has(out?.error_description ?? '')) {
      // The form of another site, or of a page that was open for too long: begin again.
      ctx.redirect(ctx.oidc.urlFor('code_verification'))
      return
    }
    ctx.set(pageHeaders())
    ctx.body = deviceCodePage({ ...formOf(ctx), problem: problemOf(out, err) })
  },
  userCodeConfirmSource(ctx, _form, client, _info, userCode) {
    ctx.set(pageHeaders())
    ctx.body = deviceConfirmPage({ ...formOf(ctx), userCode, clientName: client.clientName ?? client.clientId })
  },
  successSource(ctx) {
    ctx.set(pageHeaders())
    ctx.body = deviceDonePage()
  },
}

/** What each form of these pages needs. */
function formOf(ctx: KoaContextWithOIDC): { action: string; xsrf: string } {
  const state: unknown = ctx.oidc.session === undefined ? undefined : Reflect.get(ctx.oidc.session, 'state')
  const secret: unknown = typeof state === 'object' && state !== null ? Reflect.get(state, 'secret') : undefined
  return { action: ctx.oidc.urlFor('code_verification'), xsrf: String(secret ?? '') }
}

/** The sentence for a code that leads nowhere; undefined on the first page. */
function problemOf(out: object | undefined, err: Error | undefined): string | undefined {
  if (out === undefined && err === undefined) return undefined
  switch (err?.name) {
    case 'AbortedError':
      return 'The device was not connected.'
    case 'NoCodeError':
      return 'Enter a code.'
    default:
      // The same for an unknown, an expired and a used one.
      return 'The code is wrong, has expired or was already used. Get a new one on your device.'
  }
}

import type { Configuration, KoaContextWithOIDC } from 'oidc-provider'
import { deviceCodePage, deviceConfirmPage, deviceDonePage } from '../../../pages/device.ts'
import { pageHeaders } from '../../../pages/layout.ts'
import type { Translate } from '../../../pages/messages.ts'
import type { PageContext } from '../../../pages/pages.ts'
import type { PageProblem } from '../../../pages/problem-message.ts'

/** Descriptions of the library for a form that came without the cookie and the secret of its page. */
const formFaults: ReadonlySet<string> = new Set(['could not find device form details', 'xsrf token invalid'])

/** The pages on which a user connects a device. RFC 8628 section 3.3. */
export function deviceFlowOf(
  contextOf: (ctx: KoaContextWithOIDC) => PageContext,
): NonNullable<NonNullable<Configuration['features']>['deviceFlow']> {
  return {
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
      const page = contextOf(ctx)
      ctx.set(pageHeaders(page))
      ctx.body = deviceCodePage(page, { ...formOf(ctx), problem: problemOf(page.t, out, err) })
    },
    userCodeConfirmSource(ctx, _form, client, _info, userCode) {
      const page = contextOf(ctx)
      ctx.set(pageHeaders(page))
      const clientName = client.clientName ?? client.clientId
      ctx.body = deviceConfirmPage(page, { ...formOf(ctx), userCode, clientName })
    },
    successSource(ctx) {
      const page = contextOf(ctx)
      ctx.set(pageHeaders(page))
      ctx.body = deviceDonePage(page)
    },
  }
}

/** What each form of these pages needs. */
function formOf(ctx: KoaContextWithOIDC): { action: string; xsrf: string } {
  const state: unknown = ctx.oidc.session === undefined ? undefined : Reflect.get(ctx.oidc.session, 'state')
  const secret: unknown = typeof state === 'object' && state !== null ? Reflect.get(state, 'secret') : undefined
  return { action: ctx.oidc.urlFor('code_verification'), xsrf: String(secret ?? '') }
}

/** What is wrong with a code that leads nowhere; undefined on the first page. */
function problemOf(t: Translate, out: object | undefined, err: Error | undefined): PageProblem | undefined {
  if (out === undefined && err === undefined) return undefined
  switch (err?.name) {
    case 'AbortedError':
      return { message: t('device.aborted') }
    case 'NoCodeError':
      return { message: t('device.codeMissing'), field: 'user_code' }
    default:
      // The same for an unknown, an expired and a used one.
      return { message: t('device.codeWrong'), field: 'user_code' }
  }
}

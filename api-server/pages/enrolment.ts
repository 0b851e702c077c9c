import { html } from 'ghtml'
import encodeQR from 'qr'
import { hiddenField, textField } from './form.ts'
import { page, withoutChoice } from './layout.ts'
import type { PageContext } from './pages.ts'
import { passkeyForm } from './passkey-form.ts'
import type { PageProblem } from './problem-message.ts'

/** The page for a login of a user who must set up a second factor first. */
export function enrolPage(
  context: PageContext,
  content: {
    /** Of the interaction. */
    path: string
    /** Of the login, whose password was right. */
    enrolmentToken: string
    /** What a user may set up. */
    types: readonly ('totp' | 'passkey')[]
    problem?: PageProblem | undefined
  },
): string {
  const { t } = context
  const { path, enrolmentToken, types, problem } = content
  const totp = html`<form method="post" action="${path}/enrol/totp">
!${hiddenField('enrolment_token', enrolmentToken)}
<button type="submit">${t('enrol.totp')}</button>
</form>`
  const passkey = {
    kind: 'create',
    action: `${path}/enrol/passkey`,
    options: `${path}/enrol/passkey/options`,
    hidden: { enrolment_token: enrolmentToken },
    label: t('enrol.passkey'),
  } as const
  const mayUsePasskey = context.script !== undefined && types.includes('passkey')
  return page(context, {
    title: t('enrol.title'),
    problem,
    content: html`<p>${t('enrol.intro')}</p>
!${types.includes('totp') ? totp : html`<noscript><p>${t('enrol.onlyPasskeys')}</p></noscript>`}
!${mayUsePasskey ? passkeyForm(context, passkey) : ''}`,
  })
}

/** The page that shows the secret of an authenticator app, once, and asks for its first code. */
export function totpPage(
  context: PageContext,
  content: {
    /** Where the form goes. */
    action: string
    /** More fields of the form by their names. */
    hidden: Readonly<Record<string, string>>
    /** In base32. */
    secret: string
    otpauthUrl: string
    problem?: PageProblem | undefined
  },
): string {
  const { t } = context
  const { action, hidden, secret, otpauthUrl, problem } = content
  const code = {
    name: 'code',
    label: t('code.label'),
    hint: t('totp.codeHint'),
    autocomplete: 'one-time-code',
    maxlength: 16,
    more: { inputmode: 'numeric' },
  }
  return page(context, {
    title: t('totp.title'),
    problem,
    content: html`<p>${t('totp.scan')}</p>
<div class="qr" role="img" aria-label="${t('totp.image')}">!${encodeQR(otpauthUrl, 'svg', { ecc: 'medium', border: 4 })}</div>
<p><a href="${otpauthUrl}">${t('totp.open')}</a></p>
<p>${t('totp.type')}<br><code dir="ltr">${inGroups(secret)}</code></p>
<form method="post" action="${action}">
!${Object.entries(hidden)
      .map(([name, value]) => hiddenField(name, value))
      .join('')}
!${textField(code, problem)}
<button type="submit">${t('action.continue')}</button>
</form>`,
  })
}

/** The page that shows recovery codes, once. @param content.next where the user goes on */
export function recoveryCodesPage(
  context: PageContext,
  { codes, next }: { codes: readonly string[]; next: string },
): string {
  const { t } = context
  return page(withoutChoice(context), {
    title: t('recovery.title'),
    content: html`<p>${t('recovery.intro')}</p>
<ul class="codes" dir="ltr">!${codes.map((code) => html`<li><code>${code}</code></li>`).join('')}</ul>
<p class="warning">${t('recovery.once')}</p>
<a class="button" href="${next}">${t('recovery.saved')}</a>`,
  })
}

/** Groups of four, which are easier to type. Apps ignore the spaces. */
function inGroups(secret: string): string {
  return secret.match(/.{1,4}/g)?.join(' ') ?? secret
}

import { html } from 'ghtml'
import { hiddenField, textField } from '../form.ts'
import { page } from '../layout.ts'
import { passkeyForm } from '../passkey-form.ts'
import { type AccountView, accountForm, type Outcome, pathOf, type Section } from './layout.ts'

/** The page that asks for a second factor before a change. @param content.section the page to which the user comes back */
export function stepUpPage(view: AccountView, { section }: { section: Section }, { problem }: Outcome): string {
  const { context, base, xsrf } = view
  const { t } = context
  const field = {
    name: 'code',
    label: t('code.label'),
    hint: t('code.hint'),
    autocomplete: 'one-time-code',
    maxlength: 64,
    more: { autocapitalize: 'characters', spellcheck: 'false' },
  }
  const passkey = {
    kind: 'get',
    action: `${base}/step-up/passkey`,
    options: `${base}/step-up/passkey/options`,
    hidden: { xsrf, to: section },
    label: t('passkey.use'),
  } as const
  return page(context, {
    title: t('code.title'),
    problem,
    content: html`<p>${t('stepUp.intro')}</p>
!${context.script === undefined ? '' : passkeyForm(context, passkey)}
!${accountForm(view, {
      to: 'step-up',
      content: html`!${hiddenField('to', section)}!${textField(field, problem)}`,
      label: t('action.continue'),
    })}
<a class="button plain" href="${pathOf(view, section)}">${t('action.cancel')}</a>`,
  })
}

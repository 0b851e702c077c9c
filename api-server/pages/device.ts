import { html } from 'ghtml'
import { hiddenField, textField } from './form.ts'
import { page, withoutChoice } from './layout.ts'
import type { PageContext } from './pages.ts'
import type { PageProblem } from './problem-message.ts'

interface DeviceForm {
  /** Where the form goes. */
  action: string
  /** Shows that the page comes from this server. */
  xsrf: string
}

/** The page that asks for the code that a device shows. RFC 8628 section 3.3. */
export function deviceCodePage(
  context: PageContext,
  { action, xsrf, problem }: DeviceForm & { problem: PageProblem | undefined },
): string {
  const { t } = context
  const field = {
    name: 'user_code',
    label: t('device.codeLabel'),
    hint: t('device.codeHint'),
    autocomplete: 'off',
    maxlength: 32,
    more: { autocapitalize: 'characters', spellcheck: 'false' },
  }
  return page(context, {
    title: t('device.title'),
    problem,
    content: html`<form method="post" action="${action}">
!${hiddenField('xsrf', xsrf)}
!${textField(field, problem)}
<button type="submit">${t('action.continue')}</button>
</form>`,
  })
}

/** The page that asks whether the device is that of the user. RFC 8628 section 5.4. */
export function deviceConfirmPage(
  context: PageContext,
  content: DeviceForm & { userCode: string; clientName: string },
): string {
  const { t } = context
  const { action, xsrf, userCode, clientName } = content
  const form = (
    answer: 'confirm' | 'abort',
    label: string,
    kind: '' | 'plain',
  ) => html`<form method="post" action="${action}">
!${hiddenField('xsrf', xsrf)}
!${hiddenField('user_code', userCode)}
!${hiddenField(answer, 'yes')}
<button type="submit" class="${kind}">${label}</button>
</form>`
  return page(context, {
    title: t('device.confirmTitle'),
    content: html`<p>${t('device.confirmIntro', { client: clientName })}</p>
<p class="code" dir="ltr">${userCode}</p>
<p class="warning">${t('device.confirmWarning')}</p>
!${form('confirm', t('device.confirmSubmit'), '')}
!${form('abort', t('action.cancel'), 'plain')}`,
  })
}

export function deviceDonePage(context: PageContext): string {
  const { t } = context
  return page(withoutChoice(context), { title: t('device.doneTitle'), content: html`<p>${t('device.done')}</p>` })
}

import { html } from 'ghtml'
import { page } from './layout.ts'
import type { PageContext } from './pages.ts'

/** The page that asks whether to log out. @param content.form HTML of the library, whose ID is op.logoutForm */
export function logoutPage(
  context: PageContext,
  { form, clientName }: { form: string; clientName: string | undefined },
): string {
  const { t } = context
  const from = clientName === undefined ? '' : html`<p>${t('logout.from', { client: clientName })}</p>`
  return page(context, {
    title: t('logout.title'),
    content: html`!${from}
<p>${t('logout.intro')}</p>
!${form}
<button type="submit" form="op.logoutForm" name="logout" value="yes">${t('logout.submit')}</button>
<button type="submit" form="op.logoutForm" class="plain">${t('logout.stay')}</button>`,
  })
}

export function loggedOutPage(context: PageContext): string {
  const { t } = context
  return page(context, { title: t('logout.doneTitle'), content: html`<p>${t('logout.doneIntro')}</p>` })
}

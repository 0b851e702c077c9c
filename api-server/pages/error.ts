import { html } from 'ghtml'
import { page, withoutChoice } from './layout.ts'
import type { PageContext } from './pages.ts'

/** The page for a request that cannot go back to its client. */
export function errorPage(
  context: PageContext,
  content: {
    /** Of OAuth, or of the API. */
    code: string
    /** What went wrong, in the language of the page. */
    message: string
    /** What the owner of the application needs to know, in English. */
    details?: string | undefined
  },
): string {
  const { t } = context
  const { code, message, details } = content
  const more =
    details === undefined
      ? ''
      : html`<details class="more"><summary>${t('error.details')}</summary><p lang="en" dir="ltr">${details}</p></details>`
  // Its address is that of a request that failed, which the page does not repeat.
  return page(withoutChoice(context), {
    title: t('error.title'),
    problem: { message },
    content: html`<p>${t('error.next')}</p>
<p>${t('error.code', { code })}</p>
!${more}`,
  })
}

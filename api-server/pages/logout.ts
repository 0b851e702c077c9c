import { html } from 'ghtml'
import { page } from './layout.ts'

/** The page that asks whether to log out. @param content.form HTML of the library, whose ID is op.logoutForm */
export function logoutPage({ form, clientName }: { form: string; clientName: string | undefined }): string {
  const from = clientName === undefined ? '' : html`<p>${clientName} asks you to log out.</p>`
  return page(
    'Log out?',
    html`!${from}
<p>You will be logged out of all applications that you use with this login.</p>
!${form}
<button type="submit" form="op.logoutForm" name="logout" value="yes">Log out</button>
<button type="submit" form="op.logoutForm">Stay logged in</button>`,
  )
}

export function loggedOutPage(): string {
  return page('You are logged out', html`<p>You can close this page.</p>`)
}

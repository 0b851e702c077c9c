import { html } from 'ghtml'
import { page, problemOf } from './layout.ts'

interface DeviceForm {
  /** Where the form goes. */
  action: string
  /** Shows that the page comes from this server. */
  xsrf: string
}

/** The page that asks for the code that a device shows. RFC 8628 section 3.3. */
export function deviceCodePage({ action, xsrf, problem }: DeviceForm & { problem: string | undefined }): string {
  return page(
    'Connect a device',
    html`!${problemOf(problem)}
<p>Enter the code that your device shows.</p>
<form method="post" action="${action}">
<input type="hidden" name="xsrf" value="${xsrf}">
<label for="user_code">Code</label>
<input id="user_code" name="user_code" autocomplete="off" autocapitalize="characters" spellcheck="false" required maxlength="32">
<button type="submit">Continue</button>
</form>`,
  )
}

/** The page that asks whether the device is that of the user. RFC 8628 section 5.4. */
export function deviceConfirmPage(content: DeviceForm & { userCode: string; clientName: string }): string {
  const { action, xsrf, userCode, clientName } = content
  const form = (answer: 'confirm' | 'abort', label: string) => html`<form method="post" action="${action}">
<input type="hidden" name="xsrf" value="${xsrf}">
<input type="hidden" name="user_code" value="${userCode}">
<input type="hidden" name="${answer}" value="yes">
<button type="submit">${label}</button>
</form>`
  return page(
    'Connect this device?',
    html`<p>A device wants to use ${clientName} as you. Go on only if you have it before you, and if it shows this code:</p>
<p><strong>${userCode}</strong></p>
<p class="problem">If somebody has sent you this code, they want to get into your account.</p>
!${form('confirm', 'My device shows this code')}
!${form('abort', 'Cancel')}`,
  )
}

export function deviceDonePage(): string {
  return page('Your device is connected', html`<p>Go back to your device. You can close this page.</p>`)
}

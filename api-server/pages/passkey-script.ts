/** The path below the issuer of the only script of the pages. */
export const scriptPath = '/oauth/passkeys.js'

/**
 * The only script of the pages: browsers offer passkeys to scripts alone. Without it, or in a browser without passkeys, the
 * forms for passkeys stay hidden, and those for passwords and codes work.
 *
 * It asks the server for options, gives them to the browser, and sends the answer as an ordinary form. If one of these steps
 * fails, it sends the form as it is, and the next page says what to do.
 */
export const passkeyScript = `'use strict'
{
  /** A server accepts the answer to its options for a minute. */
  const optionsSeconds = 50
  /** Ends the offer of passkeys in the field for the email, because a browser does one thing at a time. */
  let autofill = new AbortController()

  const askServer = async (form) => {
    if (form.dataset.ready) return JSON.parse(form.dataset.ready)
    const response = await fetch(form.dataset.options, { method: 'POST', body: new URLSearchParams(new FormData(form)) })
    if (!response.ok) throw new Error('the server gave no options')
    return response.json()
  }

  const send = (form, credential) => {
    if (credential) form.elements.namedItem('credential').value = JSON.stringify(credential.toJSON())
    form.submit()
  }

  const askBrowser = async (form) => {
    const options = await askServer(form)
    return form.dataset.passkey === 'create'
      ? navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
      : navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) })
  }

  const show = (form) => {
    form.hidden = false
    form.addEventListener('submit', async (event) => {
      event.preventDefault()
      autofill.abort()
      try {
        send(form, await askBrowser(form))
      } catch (error) {
        // The user has cancelled, or the authenticator has a passkey of the user already.
        if (!['NotAllowedError', 'AbortError', 'InvalidStateError'].includes(error.name)) return send(form)
        const note = form.querySelector('[data-note="' + error.name + '"]') ?? form.querySelector('[data-note]')
        if (note) note.hidden = false
      }
    })
  }

  const visible = () =>
    new Promise((resolve) => {
      const look = () => document.visibilityState === 'visible' && resolve()
      document.addEventListener('visibilitychange', look)
      look()
    })

  /** Offers passkeys in the field for the email, for as long as the page is open. */
  const offer = async (form) => {
    if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return
    while (!autofill.signal.aborted) {
      await visible()
      const late = AbortSignal.timeout(optionsSeconds * 1000)
      try {
        const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(await askServer(form))
        const signal = AbortSignal.any([autofill.signal, late])
        return send(form, await navigator.credentials.get({ publicKey, mediation: 'conditional', signal }))
      } catch (error) {
        if (!late.aborted) return
      }
    }
  }

  if (typeof globalThis.PublicKeyCredential?.parseRequestOptionsFromJSON === 'function') {
    for (const form of document.querySelectorAll('form[data-passkey]')) {
      show(form)
      if (form.dataset.passkey === 'login') void offer(form)
    }
  }
}
`

import { contrastOf, pageBackgrounds } from '@authservice-operator/contract/pages-file.ts'
import type { Brand } from './brand.ts'

/** The style sheet of all pages. Logical properties: the same for both directions of writing. */
export function styleOf({ accent }: Pick<Brand, 'accent'>): string {
  return `:root{--accent:${accent.light};--on-accent:${textOn(accent.light)}}
@media (prefers-color-scheme:dark){:root{--accent:${accent.dark};--on-accent:${textOn(accent.dark)}}}
${style}`
}

/** Black or white, whichever is easier to read on the colour. */
function textOn(color: string): string {
  return contrastOf(color, '#000000') > contrastOf(color, '#ffffff') ? '#000000' : '#ffffff'
}

const { light, dark } = pageBackgrounds

const style = `:root{color-scheme:light dark;font:100%/1.5 system-ui,sans-serif;
--page:${light.page};--card:${light.card};--text:#1b1f24;--muted:#565f6b;--line:#dfe3e8;--edge:#6f7884;--bad:#b3261e;--bad-back:#fdeeed}
@media (prefers-color-scheme:dark){:root{
--page:${dark.page};--card:${dark.card};--text:#e8eaed;--muted:#a7b0bb;--line:#2c333c;--edge:#87919d;--bad:#ffb4ab;--bad-back:#331c1b}}
*,::before,::after{box-sizing:border-box}
body{margin:0;min-height:100vh;min-height:100dvh;display:flex;flex-direction:column;align-items:center;
background:var(--page);color:var(--text);overflow-wrap:anywhere}
body>*{width:100%;max-width:27rem;padding-inline:1.5rem}
header{padding-block:2rem 0;margin-block-start:auto;text-align:center;font-size:1.125rem;font-weight:600}
header img{display:block;margin-inline:auto;max-width:12rem;max-height:3.5rem}
main{margin-block:auto;padding-block:2rem;background:var(--card)}
header+main{margin-block:1.5rem auto}
h1{font-size:1.5rem;line-height:1.25;margin:0 0 1rem;hyphens:auto}
h2{font-size:1.125rem;line-height:1.25;margin:2rem 0 .5rem}
p,ul{margin:0 0 1rem}
ul{padding-inline-start:1.25rem}
a{color:var(--accent);text-underline-offset:.15em}
label{display:block;margin-block:1rem .25rem;font-weight:600}
.hint,.field-problem{margin:0 0 .375rem}
.hint,footer{color:var(--muted)}
.field-problem{color:var(--bad)}
input:not([type=hidden],[type=checkbox]){display:block;width:100%;min-height:2.75rem;padding:.5rem .75rem;font:inherit;color:inherit;
background:var(--card);border:1px solid var(--edge);border-radius:.5rem}
input[aria-invalid]{border-color:var(--bad);box-shadow:inset 0 0 0 1px var(--bad)}
[dir=rtl] input[type=email]{direction:ltr;text-align:end}
.check{display:flex;gap:.75rem;align-items:start;min-height:2.75rem;padding-block:.625rem;margin-block:.5rem;font-weight:400}
.check input{flex:none;width:1.25rem;height:1.25rem;margin:.125rem 0 0;accent-color:var(--accent)}
button,.button{display:block;width:100%;min-height:2.75rem;margin-block-start:1rem;padding:.5rem 1rem;font:inherit;font-weight:600;
text-align:center;text-decoration:none;cursor:pointer;color:var(--on-accent);background:var(--accent);border:1px solid transparent;border-radius:.5rem}
form button{margin-block-start:1.5rem}
form+p,.button+p{margin-block-start:1rem}
main p:not([class])>a:only-child,.items a{display:inline-block;padding-block:.5rem}
button.plain,.button.plain{margin-block-start:.75rem;color:var(--text);background:none;border-color:var(--edge)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.problem,.warning{padding:.75rem 1rem;border-inline-start:.25rem solid var(--bad);border-radius:.25rem;background:var(--bad-back)}
.problem a{color:inherit}
nav{margin-block-start:2rem;border-block-start:1px solid var(--line);padding-block-start:1rem}
nav ul,.items,.codes{list-style:none;padding:0}
nav a{display:block;padding-block:.625rem}
nav a[aria-current]{color:inherit;font-weight:600;text-decoration:none}
.items li{padding-block:.75rem;border-block-end:1px solid var(--line)}
.done{padding:.75rem 1rem;border-inline-start:.25rem solid var(--accent)}
.codes code{font-size:1.125rem}
.qr{padding:1rem;background:#ffffff;border-radius:.5rem}
.qr svg{display:block;width:100%;max-width:14rem;margin-inline:auto}
.code{font-size:1.5rem;font-weight:600;letter-spacing:.1em}
details.more{margin-block-start:1rem;color:var(--muted)}
summary{padding-block:.75rem;cursor:pointer}
footer{display:flex;flex-wrap:wrap;gap:0 1.5rem;justify-content:center;align-items:start;padding-block:.5rem 1rem;font-size:.875rem}
footer a{display:block;padding-block:.75rem;color:inherit}
footer ul{list-style:none;display:flex;flex-wrap:wrap;gap:0 1rem;margin:0;padding:0}
footer details[open]{flex-basis:100%;text-align:center}
footer details ul{justify-content:center}
@media (min-width:30rem){main{padding:2rem;border:1px solid var(--line);border-radius:1rem}}
@media (max-width:29.99rem){main{border-block:1px solid var(--line);max-width:none}}
.hidden{position:absolute;width:1px;height:1px;margin:-1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
`

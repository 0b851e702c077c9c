import { expect, test } from 'vitest'
import { pageLanguages } from '../../contract/pages-file.ts'
import { sampleContext, samplePages, shortName } from './sample-pages.ts'

test.each(pageLanguages)('no page in %s shows a part of its program, or a placeholder', (language) => {
  for (const [name, html] of Object.entries(samplePages(sampleContext(language), shortName))) {
    const text = html.replace(/<style>.*<\/style>/s, '').replaceAll(/data-[\w-]+="[^"]*"/g, '')
    expect(text, name).not.toMatch(/\\n|undefined|\[object|\{\w+\}/)
  }
})

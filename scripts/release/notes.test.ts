import { expect, test } from 'vitest'
import { releaseNotes } from './notes.ts'

const changelog = `# Changelog
All notable changes.

## [Unreleased]
- Soon.

## [0.2.0] - 2026-12-01
### Added
- A thing ([docs/thing.md](docs/thing.md#part), [issue](https://example.com/1)).

## [0.1.0] - 2026-11-01
- First.
`

test('the notes are the section of the version, with links that work on the page of the release', () => {
  expect(releaseNotes(changelog, '0.2.0')).toBe(`### Added
- A thing ([docs/thing.md](https://github.com/authservice-operator/authservice-operator/blob/v0.2.0/docs/thing.md#part), [issue](https://example.com/1)).
`)
})

test('a version without a section is refused, except where a dry run names another section', () => {
  expect(() => releaseNotes(changelog, '0.3.0')).toThrow('rename "## [Unreleased]"')
  expect(releaseNotes(changelog, '0.3.0', 'Unreleased')).toBe('- Soon.\n')
})

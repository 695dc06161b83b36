// Some webviews report the language "C" where no locale is set; `Intl` refuses it and a chart library would fail at import.
// Must be the first import of the page.
try {
  Intl.getCanonicalLocales(navigator.language);
} catch {
  Object.defineProperty(navigator, 'language', { get: () => 'en', configurable: true });
  Object.defineProperty(navigator, 'languages', { get: () => ['en'], configurable: true });
}

export {};

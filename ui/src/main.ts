// Starts the page: language tag first (see the shim), then transport, language, frame.
import './locale';
import './styles/tokens.css';
import './styles/base.css';
import { connect } from '$connect';
import { mount } from 'svelte';
import { prefs } from './state/prefs.svelte';
import { words } from './state/words.svelte';
import App from './views/App.svelte';

const target = document.getElementById('app');
if (target) {
  prefs.scale();
  await words.begin();
  mount(App, { target, props: connect() });
}

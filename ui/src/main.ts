// Starts the page: language tag first (see the shim), then transport, language, frame.
import './locale';
import './styles/tokens.css';
import './styles/base.css';
import { connect } from '$connect';
import { mount } from 'svelte';
import { words } from './state/words.svelte';
import App from './views/App.svelte';

const target = document.getElementById('app');
if (target) {
  await words.begin();
  mount(App, { target, props: connect() });
}

import './style.css';
import './base.css';
import './shell.css';
import { render } from 'preact';
import { App } from './app';
import { connect } from './jam/store';

connect();
render(<App />, document.getElementById('studio')!);

// The plotting library and its style, in a chunk of their own: loaded when the first chart is shown.
import 'uplot/dist/uPlot.min.css';
export { default as Plot } from 'uplot';

import CFFmpeg
import Imaging

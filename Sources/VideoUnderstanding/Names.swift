import Compute
import Imaging
import Qwen2VL
import Video

// The types of other modules that stand in this module's interface, so that its users need to
// import nothing else.

public typealias ContactSheet = Video.ContactSheet
public typealias DecodeLimits = Video.DecodeLimits
public typealias Rational = Video.Rational
public typealias SampledFrame = Video.SampledFrame
public typealias SamplingMode = Video.SamplingMode
public typealias VideoInput = Video.VideoInput

public typealias Detail = Imaging.Detail
public typealias PatchGrid = Imaging.PatchGrid
public typealias PixelSize = Imaging.PixelSize

public typealias MRoPERule = Qwen2VL.MRoPERule
public typealias Model = Qwen2VL.Model
public typealias ModelConfiguration = Qwen2VL.ModelConfiguration
public typealias ModelSize = Qwen2VL.ModelSize
public typealias WeightFormats = Qwen2VL.WeightFormats

public typealias WeightFormat = Compute.WeightFormat
public typealias KVFormat = Compute.KVFormat
public typealias Activations = Compute.Activations
